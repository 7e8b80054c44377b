"""Durations as people write them: `90s`, `30m`, `1h30m`."""

from __future__ import annotations

import re

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_WRITTEN = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in _UNITS))


#: How one is written, for a JSON schema.
DURATION_PATTERN = r"^(\d+(\.\d+)?[dhms])+$"


def seconds_of(written: str) -> float:
    """Return a duration in seconds; `ValueError` says how one is written.

    >>> [seconds_of(text) for text in ("90s", "30m", "1h30m", "0.5s")]
    [90.0, 1800.0, 5400.0, 0.5]
    """
    found = _WRITTEN.fullmatch(written.strip().lower())
    parts = [float(number or 0) for number in found.groups()] if found else []
    seconds = sum(number * size for number, size in zip(parts, _UNITS.values(), strict=False))
    if not 0 < seconds < 10**9:
        raise ValueError(f"{written!r} is not a duration; write it like 90s, 30m, 1h30m or 2d")
    return float(seconds)


def duration_text(seconds: float) -> str:
    """Return a duration as one would write it.

    >>> [duration_text(seconds) for seconds in (90.0, 1800.0, 5400.0, 0.5, 60.0)]
    ['90s', '30m', '90m', '0.5s', '60s']
    """
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0 and seconds > size:
            return f"{seconds // size:g}{unit}"
    return f"{seconds:g}s"
