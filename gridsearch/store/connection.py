"""One connection to a store's SQLite file, its transactions, and where the driver's errors are translated."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store.rollback_journals import is_left_over, next_generation, pass_generation
from gridsearch.store.same_file import SameFile
from gridsearch.store.sqlite_errors import damaged, explain
from gridsearch.store.waiting import ORDINARY, SLICE_SECONDS, Patience, is_locked

T = TypeVar("T")

#: Up to 3.51.2 a write-ahead log may be corrupted when two connections write or checkpoint at once.
FIRST_SOUND_WAL = (3, 51, 3)
#: Page cache in KiB: the indexes of a grid of 100,000 trials fit, so that enqueueing one does not thrash. Who only
#: reads goes through a file in its order, and needs the index of the ids at hand.
_CACHE_KIB, _READER_CACHE_KIB = 131072, 32768


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the journal to use with a version of SQLite: "wal" where that is sound, else "delete"."""
    return "wal" if version >= FIRST_SOUND_WAL else "delete"


class Database:
    """A connection to the file, opened at once; `read` and `write` are its transactions.

    A transaction has its lock from its start, so what waits for other programs waits there, holding nothing: a
    change that waited at its end would keep every reader out meanwhile, and be made once more after giving up.
    A database opened to be read still recovers the journal of a writer that was killed; so it opens the file
    for writing, where it may, and forbids changes of content itself.
    """

    def __init__(self, path: Path, *, create: bool, read_only: bool, patience: Patience | None = None) -> None:
        self.path = path
        self.patience = patience or ORDINARY
        self._until: float | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._closed = False
        self._wrote = False
        with translated(path):
            self._raw = self._connect(create=create, read_only=read_only)
        self._file = SameFile(path)
        self._engine = create_engine("sqlite+pysqlite://", creator=lambda: self._raw, poolclass=StaticPool)
        event.listen(self._engine, "begin", self._begin)
        self._writer = self._engine.execution_options(write=True)

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's own connection, for the backup before an upgrade."""
        return self._raw

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a transaction that sees one state of the store throughout."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run a transaction that excludes every other writer from its start; durable once this returns."""
        with self._transaction(self._writer) as connection:
            yield connection
        self._wrote = True

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """Within it all waiting for other programs' locks ends after so many seconds, with `StoreLockedError`."""
        before, until = self._until, time.monotonic() + seconds
        self._until = until if before is None else min(before, until)
        try:
            yield
        finally:
            self._until = before

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a private copy of the store, for reading so long that it would keep writers waiting."""
        self._check_usable()
        with translated(self.path), closing(sqlite3.connect("", isolation_level=None)) as copy:
            # Within a transaction, which has its lock: a backup by itself waits for others without end.
            with self.read():
                self._raw.backup(copy)
            engine = create_engine("sqlite+pysqlite://", creator=lambda: copy, poolclass=StaticPool)
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
            with engine.begin() as connection:
                yield connection
            engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        self._check_usable()
        self.check_in_place()
        try:
            with self._lock, translated(self.path), engine.begin() as connection:
                yield connection
        except StoreError:
            self.check_in_place()  # else that is what went wrong
            raise

    def check_in_place(self) -> None:
        """Raise `StoreMovedError` where the file was deleted or replaced since it was opened."""
        self._file.check()

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError(f"the store {self.path} is closed; open it again")
        if os.getpid() != self._pid:
            raise StoreError(f"the store {self.path} was opened before a fork; open it in the process that uses it")

    def close(self) -> None:
        """Release the connection; a second call does nothing."""
        # A child that was forked must not close the file: that would drop its parent's locks.
        if not self._closed and os.getpid() == self._pid:
            self._closed = True
            if self._wrote:
                with suppress(sqlite3.Error, StoreError):
                    self.check_in_place()
                    pass_generation(self._raw)
            self._engine.dispose()
            self._raw.close()

    def _wait(self, kind: str, act: Callable[[], T]) -> T:
        return self.patience.attempt(self.path, kind, act, self._until)

    def _begin(self, connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        try:
            if write:
                self._wait("write", lambda: self._raw.execute("BEGIN EXCLUSIVE"))
                next_generation(self._raw)
            else:
                self._raw.execute("BEGIN")
                # The first look takes the lock.
                self._wait("read", lambda: self._raw.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall())
        except BaseException:
            self._raw.rollback()
            raise

    def _connect(self, *, create: bool, read_only: bool) -> sqlite3.Connection:
        left_over = is_left_over(self.path)
        mode = "rwc" if create and not read_only else "rw"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=SLICE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if left_over:
                # The first to read undoes what was begun.
                self._wait("read", lambda: connection.execute("SELECT count(*) FROM sqlite_master").fetchone())
                pass_generation(connection)
            self._configure(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection

    def _configure(self, connection: sqlite3.Connection, *, read_only: bool) -> None:
        def pragma(words: str) -> str:
            # Several of them read the file, which may be locked.
            found = self._wait("read", lambda: connection.execute(f"PRAGMA {words}").fetchone())
            return str(found[0]) if found else ""

        for words in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "fullfsync=ON"):
            pragma(words)
        pragma(f"cache_size=-{_READER_CACHE_KIB if read_only else _CACHE_KIB}")
        mode = pragma("journal_mode")
        if not read_only and mode != journal_mode():
            mode = self._change_journal(connection, mode)
        # EXTRA also syncs the folder once the journal is deleted: else a power cut may undo the last commit.
        pragma(f"synchronous={'FULL' if mode == 'wal' else 'EXTRA'}")
        if read_only:
            pragma("query_only=ON")

    def _change_journal(self, connection: sqlite3.Connection, mode: str) -> str:
        def change() -> str:
            return str(connection.execute(f"PRAGMA journal_mode={journal_mode()}").fetchone()[0])

        if mode == "wal":
            return self._wait("write", change)
        try:
            return change()
        except sqlite3.OperationalError as error:
            # The rollback journal is sound everywhere: with others at work, the next opening may change it.
            if is_locked(error):
                return mode
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what the driver raises into the `StoreError` that explains it."""
    try:
        yield
    except DBAPIError as error:
        raise explain(path, str(error.orig)) from error
    except sqlite3.Error as error:
        raise explain(path, str(error)) from error
    except UnicodeDecodeError as error:
        # The driver could not even read SQLite's message, which quotes what it found in the file.
        raise damaged(path, "it holds what is not text") from error
    except StoreDamagedError as error:
        if str(path) in str(error):
            raise
        raise damaged(path, str(error)) from error
