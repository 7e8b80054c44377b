"""Words, numbers, times and names as people read them."""

from __future__ import annotations

from datetime import datetime

#: Digits of a trial's id in tables and sentences; `gridsearch show` says when that many name several trials.
_ID_DIGITS = 8

STOPPING = "stopping; press Ctrl-C again to stop at once"
#: What is said of a launch that ends before it has trained anything.
STOPPED_EARLY = "stopped before anything was trained; run the same command again"


def duration(seconds: float) -> str:
    """Return a duration as `0.4s`, `12s`, `3m 05s`, `4h 03m` or `2d 04h`.

    >>> [duration(s) for s in (0.42, 12.3, 185, 14_580, 187_200)]
    ['0.4s', '12s', '3m 05s', '4h 03m', '2d 04h']
    """
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    return f"{minutes // 1440}d {minutes % 1440 // 60:02d}h"


def moment(at: datetime) -> str:
    """Return a time as this machine's clock shows it, to the minute: `2026-03-01 14:05`."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def plural(count: int, noun: str, several: str = "") -> str:
    """Return a count with its noun: `1 trial`, `1,294 trials`; `several` is a plural that does not end so."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {several or f'{noun}s'}"


def short_id(trial: str) -> str:
    """Return the beginning of a trial's id."""
    return trial[:_ID_DIGITS]


def id_within(trial: str, room: int | None) -> str:
    """Return a trial's id, or its beginning where there is no room for so many digits; None is any room."""
    return trial if room is None or len(trial) <= room else short_id(trial)
