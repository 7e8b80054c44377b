"""What the table of processes can tell of a launch, and where it can tell anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

# psutil is imported where Linux itself does not tell: it takes as long as reading ten thousand trials.

#: Where Linux tells.
_BOOT_ID, _NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


def this_host() -> str:
    """Return this machine's name; containers and copied machines may share theirs with others."""
    return socket.gethostname()


def process_table() -> str | None:
    """Return which processes are seen from here: one boot of a machine, one PID namespace; None where not known.

    A process number means one process only among those who get the same.
    """
    try:
        return f"{_BOOT_ID.read_text().strip()} {_NAMESPACE.readlink()}"
    except OSError:
        # Where there are no namespaces the boot is enough; its time moves with the clock, and then nothing is known.
        if Path("/proc/self").exists():
            return None
        import psutil

        return f"booted {psutil.boot_time():.0f}"


def process_start(pid: int) -> float | None:
    """Return when a process started, in a unit that does not move with the clock where there is one.

    Linux gives ticks since boot, other systems seconds since the epoch. None when it has ended or cannot be seen.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else float(fields[19])
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def surely_gone(pid: int, started: float) -> bool:
    """Whether a process of this table has certainly ended; one that is only hidden from this user has not.

    `started` is what `process_start` said of it, 0 where it said nothing: its number may be another's by now.
    """
    if pid <= 0:
        return False  # no process's number, so nothing is known
    try:
        os.kill(pid, 0)  # sends nothing; unlike /proc it hides no process
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        pass  # another user's
    if (now := process_start(pid)) is not None:
        return started not in (0.0, now)
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
