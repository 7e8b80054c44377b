"""Journals left beside a store: those of a writer that was killed, which SQLite plays back, and stale ones, refused.

SQLite plays back any journal that is whole and beside the file, whatever it belongs to. So every transaction of ours
first counts up the file's generation (SQLite's `user_version`), by which the file's first page is the first in the
journal, as it was before. A journal belongs to the file only if the generation has not moved on by more than the
journal's own transaction. Where that cannot tell the transaction from another one that began in the same state, an
empty transaction comes between: after a journal was played back, and when a store that was written to is closed.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from gridsearch.errors import StoreDamagedError

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = 28
#: Where a database's first page has `user_version`.
GENERATION = slice(60, 64)
#: Where it says by which journal the file is to be changed, and what it says where that is a write-ahead log.
_WRITTEN_BY, _WITH_LOG = slice(18, 20), b"\2\2"
_LOG_MAGICS = (bytes.fromhex("377f0682"), bytes.fromhex("377f0683"))
_MOST_GENERATIONS = 2**31
_ALL_RECORDS = 0xFFFFFFFF
#: Files that were read past SQLite, by device and inode. They stay open: closing a file drops all locks that this
#: process has on it, those of SQLite's connections too.
_open_files: dict[tuple[int, int], int] = {}


def start_of(path: Path, length: int = 100) -> bytes:
    """Return how a store's file begins, without disturbing the locks of connections to it."""
    status = path.stat()
    key = (status.st_dev, status.st_ino)
    if key not in _open_files:
        _open_files[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return os.pread(_open_files[key], length, 0)


def next_generation(connection: sqlite3.Connection) -> None:
    """Count up the file's generation, within a transaction that is open for writing."""
    (generation,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {(generation + 1) % _MOST_GENERATIONS}")


def pass_generation(connection: sqlite3.Connection) -> None:
    """Let a generation pass with nothing in it, if the store can be written just now."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.Error):
        connection.execute("BEGIN IMMEDIATE")
        try:
            next_generation(connection)
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
    connection.execute(f"PRAGMA busy_timeout = {patience}")


def is_left_over(path: Path) -> bool:
    """Whether a writer was killed within a transaction, which the next to open the store will undo.

    `StoreDamagedError` where the journal is not one of the store's last transaction. Changes nothing.
    """
    path = Path(os.path.realpath(path))  # which SQLite, too, names its journal after
    _refuse_stale_log(path)
    journal = Path(f"{path}-journal")
    if not journal.exists() or not _would_be_played_back(path):
        return False
    try:
        before, pages = _first_page(journal)
        now, size = int.from_bytes(start_of(path)[GENERATION]), path.stat().st_size
    except OSError:  # SQLite's own refusal has the mend
        return True
    stale = (now - before) % _MOST_GENERATIONS > 1 if before is not None else pages is not None and pages != size
    if stale:
        raise _stale(path, journal)
    return True


def _stale(path: Path, journal: Path) -> StoreDamagedError:
    return StoreDamagedError(
        f"the journal {journal} is not of the last write to the store, and would undo what was recorded since;"
        f" move it away, then look at the store with: gridsearch verify --store {path}"
    )


def _would_be_played_back(path: Path) -> bool:
    """Whether SQLite holds the journal for one of a writer that is gone: it may not say so to a reader."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
    return False


def _first_page(journal: Path) -> tuple[int | None, int | None]:
    """Return the generation of the first page as a journal keeps it, None where it keeps none.

    And the file's size in bytes before the transaction, where the journal keeps no page at all, so that nothing but
    the size can change.
    """
    with journal.open("rb") as file:
        header = file.read(_HEADER)
        if header[:8] != _MAGIC or len(header) < _HEADER:
            return None, None
        records, _, pages, sector, page_size = (int.from_bytes(header[at : at + 4]) for at in range(8, _HEADER, 4))
        if records == 0:
            return None, pages * page_size
        # Ours keep it first; those of other programs, and of gridsearch before, anywhere.
        end = journal.stat().st_size
        last = end if records == _ALL_RECORDS else min(end, sector + records * (page_size + 8))
        for place in range(sector, last, page_size + 8):
            file.seek(place)
            if int.from_bytes(file.read(4)) == 1:
                page = file.read(page_size)
                return (int.from_bytes(page[GENERATION]) if len(page) == page_size else None), None
    return None, None


def _refuse_stale_log(path: Path) -> None:
    """Refuse a write-ahead log that is older than the file: SQLite reads it even where the file is to have none."""
    log = Path(f"{path}-wal")
    with suppress(OSError):  # SQLite's own refusal has the mend
        if not log.exists():
            return
        start, generations = start_of(path), _generations(log)
        moved_on = start != start_of(path)  # somebody is at work on it, so it is no leftover
        if generations is None or len(start) < GENERATION.stop or moved_on:
            return
        now, keeps_log = int.from_bytes(start[GENERATION]), start[_WRITTEN_BY] == _WITH_LOG
        if not keeps_log or (generations and all(generation < now for generation in generations)):
            raise _stale(path, log)


def _generations(log: Path) -> list[int] | None:
    """Return the generations of the first page in a write-ahead log, None where it holds nothing that would be read."""
    with log.open("rb") as file:
        header = file.read(32)
        if header[:4] not in _LOG_MAGICS or len(header) < 32:
            return None
        size, salts = int.from_bytes(header[8:12]), header[16:24]
        found, frames = [], 0
        for place in range(32, log.stat().st_size - size - 23, size + 24):
            file.seek(place)
            frame = file.read(24)
            if frame[8:16] != salts:
                break
            frames += 1
            if int.from_bytes(frame[:4]) == 1:
                found.append(int.from_bytes(file.read(GENERATION.stop)[GENERATION]))
    return found if frames else None
