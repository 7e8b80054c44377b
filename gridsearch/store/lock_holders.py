"""Which program holds a lock on a store's file, where the kernel tells."""

from __future__ import annotations

import os
from pathlib import Path

#: SQLite's locks are bytes from here on, whatever the size of the file; in the -shm file of a log from 120 on.
_FIRST_LOCK_BYTE, _FIRST_SHARED_MEMORY_BYTE = 0x40000000, 120


def holder(path: Path) -> str | None:
    """Return who holds a lock on a store, such as "process 12 (python notes.py)"; None where that cannot be told."""
    for pid in _pids(path):
        if pid != os.getpid():
            return f"process {pid}{_described(pid)}"
    return None


def _pids(path: Path) -> list[int]:
    """Return the processes with SQLite locks on the file, as Linux lists them; nothing elsewhere."""
    places = {}
    for name, first in ((path, _FIRST_LOCK_BYTE), (path.with_name(path.name + "-shm"), _FIRST_SHARED_MEMORY_BYTE)):
        try:
            places[str(name.stat().st_ino)] = (first, name.stat())
        except OSError:
            continue
    try:
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return []
    found = []
    for words in lines:
        # "1: POSIX ADVISORY READ 12 fe:00:2146578 1073741826 1073742335"; one that waits has an arrow and moves along
        if len(words) != 8 or words[1] not in ("POSIX", "OFDLCK") or not words[4].isdigit():
            continue
        pid, place = int(words[4]), places.get(words[5].rpartition(":")[2])
        if place and int(words[6]) >= place[0] and _has_open(pid, place[1]):
            found.append(pid)
    return found


def _has_open(pid: int, status: os.stat_result) -> bool:
    """Whether a process has the file open, as far as this one may see: numbers of files repeat across file systems."""
    try:
        entries = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return Path(f"/proc/{pid}").exists()
    for entry in entries:
        try:
            if os.path.samestat(entry.stat(), status):
                return True
        except OSError:
            continue
    return False


def _described(pid: int) -> str:
    import psutil

    try:
        command = psutil.Process(pid).cmdline() or [psutil.Process(pid).name()]
    except psutil.Error:
        return ""
    words = [Path(command[0]).name, *command[1:4]]
    text = " ".join(" ".join(words).split())
    return f" ({text[:57]}...)" if len(text) > 60 else f" ({text})"
