"""Words, numbers, times and names as people read them."""

from __future__ import annotations

from datetime import datetime

#: Digits of a trial's id in tables and sentences; `gridsearch show` says when that many name several trials.
_ID_DIGITS = 8

STOPPING = "stopping; press Ctrl-C again to stop at once"
#: What is said of a launch that ends before it has trained anything.
STOPPED_EARLY = "stopped before anything was trained; run the same command again"


def moment(at: datetime) -> str:
    """Return a time as this machine's clock shows it, to the minute: `2026-03-01 14:05`."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def short_id(trial: str) -> str:
    """Return the beginning of a trial's id."""
    return trial[:_ID_DIGITS]


def id_within(trial: str, room: int | None) -> str:
    """Return a trial's id, or its beginning where there is no room for so many digits; None is any room."""
    return trial if room is None or len(trial) <= room else short_id(trial)
