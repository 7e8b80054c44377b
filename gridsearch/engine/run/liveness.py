"""Who is alive: a launch that beats. The table of processes only tells sooner of one that is gone."""

from __future__ import annotations

import os
from collections.abc import Callable

from gridsearch.store.processes import process_start, this_host
from gridsearch.store.rows import LaunchRow
from gridsearch.store.signs_of_life import LEASE_BEATS, SILENT_SECONDS, is_gone, silent_seconds


def own_process() -> tuple[str, int, float]:
    """Return host, process number and start of this process, as a launch records them."""
    pid = os.getpid()
    return this_host(), pid, process_start(pid) or 0.0


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
