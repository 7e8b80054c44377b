"""What is known of a launch that has not ended: whether it is at work, silent, or lost. To be shown by all alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from gridsearch.store.processes import process_table, surely_gone, this_host
from gridsearch.store.rows import LaunchRow

#: How often a launch beats, and after how many beats of ours without one of its own it has lost its lease.
BEAT_SECONDS = 5.0
LEASE_BEATS = 12
#: After so long without a beat a launch is shown as silent, and after the time of its lease as lost.
SILENT_SECONDS = 3 * BEAT_SECONDS
LOST_SECONDS = LEASE_BEATS * BEAT_SECONDS


class Life(StrEnum):
    """What is known of a launch that has not ended; of one that is lost nothing runs any more."""

    AT_WORK = "at work"
    SILENT = "silent"
    LOST = "lost"


def is_gone(launch: LaunchRow) -> bool:
    """Whether the launch's process has certainly ended, which can only be told where its table of processes is ours."""
    return _may_be_looked_up(launch) and surely_gone(launch.pid, launch.pid_started)


def is_there(launch: LaunchRow) -> bool:
    """Whether the launch's process certainly exists, which can only be told where its table of processes is ours."""
    return _may_be_looked_up(launch) and not surely_gone(launch.pid, launch.pid_started)


def silent_seconds(launch: LaunchRow, now: datetime | None = None) -> float:
    """Return how long ago a launch last gave a sign of life by two clocks: to be shown, never acted upon."""
    last = launch.beat_at or launch.started_at
    return max(0.0, ((now or datetime.now(UTC)) - last).total_seconds())


def life(launch: LaunchRow, now: datetime | None = None) -> Life:
    """Return what a launch that has not ended is to be shown as; one whose process exists is never lost."""
    silent = silent_seconds(launch, now)
    if is_gone(launch) or (silent >= LOST_SECONDS and not is_there(launch)):
        return Life.LOST
    return Life.SILENT if silent >= SILENT_SECONDS else Life.AT_WORK


def holders(launches: Iterable[LaunchRow], job: str) -> tuple[LaunchRow, ...]:
    """Return which of a store's open launches may train a job's trials: its own, or, without any, those of others.

    Jobs may share trials, which any of them trains.
    """
    found = tuple(launches)
    return tuple(one for one in found if one.job == job) or found


def all_lost(launches: Iterable[LaunchRow]) -> bool:
    """Whether there are launches, and all of them are lost: what the store has as running was interrupted."""
    found = list(launches)
    return bool(found) and all(life(one) is Life.LOST for one in found)


def _may_be_looked_up(launch: LaunchRow) -> bool:
    here = launch.process_table is not None and launch.process_table == process_table()
    return here and launch.host == this_host()
