"""Noticing that a store was written to, without opening it: whoever waits for news takes no lock to find none."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gridsearch.store.rollback_journals import GENERATION, start_of

#: What tells one state of a store's file from another; None where there is no file.
Mark = tuple[int, int, bytes, int, int] | None


def mark_of(path: Path) -> Mark:
    """Return the mark of a store's file, which every write changes.

    A transaction counts up the generation in the file's header; with a write-ahead log it does so in the log first.
    """
    try:
        status, generation = path.stat(), start_of(path)[GENERATION]
    except OSError:
        return None
    log_size = log_time = 0
    with suppress(OSError):
        log = Path(f"{path}-wal").stat()
        log_size, log_time = log.st_size, log.st_mtime_ns
    return status.st_ino, status.st_mtime_ns, generation, log_size, log_time
