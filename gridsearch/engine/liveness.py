"""Telling whether the process behind a launch is still there, without trusting any clock."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from gridsearch.store.rows import LaunchRow

#: How long a launch on another host may go without a beat before it counts as gone.
PATIENCE_SECONDS = 60.0
BEAT_SECONDS = 5.0


def this_host() -> str:
    """Return a name for this machine since it was booted: process numbers mean nothing beyond either."""
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    boot = boot_id.read_text().strip()[:8] if boot_id.exists() else ""
    return f"{socket.gethostname()} {boot}".strip()


def process_start(pid: int) -> float | None:
    """Return when a process started, in a unit that does not move with the clock where there is one; None if gone.

    Linux gives ticks since boot, other systems seconds since the epoch.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else float(fields[19])
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def own_process() -> tuple[str, int, float]:
    """Return host, process number and start of this process, as a launch records them."""
    pid = os.getpid()
    return this_host(), pid, process_start(pid) or 0.0


class Watch:
    """Judges launches; for those of other hosts it watches whether their beats go on, by its own stopwatch."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.host = this_host()
        self.seen: dict[int, tuple[int, float]] = {}

    def is_alive(self, launch: LaunchRow) -> bool:
        """Return whether the launch may still be training; a launch of another host gets the benefit of the doubt."""
        if launch.host == self.host:
            return process_start(launch.pid) == launch.pid_started
        if launch.host.split(" ")[0] == self.host.split(" ")[0]:
            return False  # the same machine before it was booted anew
        beat, since = self.seen.get(launch.launch_id, (launch.beat, self.now()))
        if beat != launch.beat:
            since = self.now()
        self.seen[launch.launch_id] = (launch.beat, since)
        return self.now() - since < PATIENCE_SECONDS
