"""Sizes on a disk as people write them: `500MB`, `5GB`, `1.5 TiB`."""

from __future__ import annotations

import math
import re

#: How one is written, for a JSON schema.
SIZE_PATTERN = r"^\s*(none|all|\d+(\.\d+)?\s*[KkMmGgTt]?[Ii]?[Bb])\s*$"


def bytes_of(written: object) -> float:
    """Return a limit in bytes: `none` and `0` are 0, `all` is no limit; `ValueError` says how one is written.

    >>> [bytes_of(text) for text in ("500MB", "5 GiB", "1.5kb", "none", "0", "all")]
    [500000000.0, 5368709120.0, 1500.0, 0.0, 0.0, inf]
    """
    text = str(written).strip()
    if text.lower() in ("none", "all", "0"):
        return math.inf if text.lower() == "all" else 0.0
    if not re.fullmatch(SIZE_PATTERN, text):
        raise ValueError(f"{text!r} is not a size; write it like 500MB, 5GB, 5GiB, none or all")
    from pydantic import ByteSize, TypeAdapter  # few commands are given a size

    return float(TypeAdapter(ByteSize).validate_python(text))


def size_text(size: float) -> str:
    """Return a number of bytes as one would write it, to two or three digits.

    >>> [size_text(size) for size in (0, 999, 1500, 44_775_947, 536_697_416, 2e10, 1.2e13)]
    ['0 B', '999 B', '1.5 kB', '45 MB', '537 MB', '20 GB', '12 TB']
    """
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} {units[0]}" if size >= 9.95 or units[0] == "B" else f"{size:.1f} {units[0]}"
