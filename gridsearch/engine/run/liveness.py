"""Who is alive: a launch that beats. The table of processes only tells sooner of one that is gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from gridsearch.store.processes import process_start, process_table, surely_gone, this_host
from gridsearch.store.rows import LaunchRow

#: How often a launch beats, and after how many beats of ours without one of its own it has lost its lease.
BEAT_SECONDS = 5.0
LEASE_BEATS = 12
#: After so long without a beat a launch is shown as silent.
SILENT_SECONDS = 3 * BEAT_SECONDS


def own_process() -> tuple[str, int, float]:
    """Return host, process number and start of this process, as a launch records them."""
    pid = os.getpid()
    return this_host(), pid, process_start(pid) or 0.0


def is_gone(launch: LaunchRow) -> bool:
    """Whether the launch's process has certainly ended, which can only be told where its table of processes is ours."""
    return _may_be_looked_up(launch) and surely_gone(launch.pid, launch.pid_started)


def is_there(launch: LaunchRow) -> bool:
    """Whether the launch's process certainly exists, which can only be told where its table of processes is ours."""
    return _may_be_looked_up(launch) and not surely_gone(launch.pid, launch.pid_started)


def _may_be_looked_up(launch: LaunchRow) -> bool:
    here = launch.process_table is not None and launch.process_table == process_table()
    return here and launch.host == this_host()


def silent_seconds(launch: LaunchRow, now: datetime | None = None) -> float:
    """Return how long ago a launch last gave a sign of life by two clocks: to be shown, never acted upon."""
    last = launch.beat_at or launch.started_at
    return max(0.0, ((now or datetime.now(UTC)) - last).total_seconds())


def described(launch: LaunchRow) -> str:
    """Return a launch in words: which process it is, and for how long it has been silent, where it is."""
    silent = silent_seconds(launch)
    since = f", silent for {silent:.0f} s" if silent >= SILENT_SECONDS else ""
    return f"launch {launch.launch_id} (process {launch.pid} on {launch.host}{since})"


class Watch:
    """Judges launches, as seen by one that beats itself: `beats` tells how often it has.

    Time is counted in our own beats, so no clock matters, and neither does whatever keeps everybody from writing, or us
    from running: it is then not the other that is silent.
    """

    def __init__(self, beats: Callable[[], int] = lambda: 0) -> None:
        self.beats = beats
        self.seen: dict[int, tuple[int, int]] = {}

    def is_lost(self, launch: LaunchRow) -> bool:
        """Return whether a launch has lost its claims: its process is gone, or it was silent for all of its lease."""
        if is_gone(launch):
            return True
        now = self.beats()
        beat, since = self.seen.get(launch.launch_id, (launch.beat, now))
        if beat != launch.beat:
            since = now
        self.seen[launch.launch_id] = (launch.beat, since)
        return now - since >= LEASE_BEATS
