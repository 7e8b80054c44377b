"""Counts and durations in words, the same in the terminal, on pages and in messages."""

from __future__ import annotations


def counted(count: int, noun: str, several: str = "") -> str:
    """Return a count with its noun; `several` is a plural that is more than an s.

    >>> counted(1, "trial"), counted(1294, "trial"), counted(2, "copy", "copies")
    ('1 trial', '1,294 trials', '2 copies')
    """
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def duration(seconds: float) -> str:
    """Return a duration as `2.1ms`, `0.4s`, `12s`, `3m 05s`, `4h 03m` or `2d 04h`.

    >>> [duration(s) for s in (0.0021, 0.42, 12.3, 185, 14_580, 187_200)]
    ['2.1ms', '0.4s', '12s', '3m 05s', '4h 03m', '2d 04h']
    """
    if 0 < seconds < 0.05:
        return f"{1000 * seconds:.1f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    minutes = round(whole / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    hours = round(minutes / 60)
    return f"{hours // 24}d {hours % 24:02d}h"
