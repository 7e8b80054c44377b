"""One connection to a store's SQLite file, its transactions, and where the driver's errors are translated."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store.failures import BUSY_TIMEOUT_S, damaged, explain
from gridsearch.store.journals import is_left_over, next_generation, pass_generation

#: Up to 3.51.2 a write-ahead log may be corrupted when two connections write or checkpoint at once.
FIRST_SOUND_WAL = (3, 51, 3)
#: Page cache in KiB: the indexes of a grid of 100,000 trials fit, so that enqueueing one does not thrash.
_CACHE_KIB = 131072


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the journal to use with a version of SQLite: "wal" where that is sound, else "delete"."""
    return "wal" if version >= FIRST_SOUND_WAL else "delete"


class Database:
    """A connection to the file, opened at once; `read` and `write` are its transactions.

    A database opened to be read still recovers the journal of a writer that was killed; so it opens the file
    for writing, where it may, and forbids changes of content itself.
    """

    def __init__(self, path: Path, *, create: bool, read_only: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._closed = False
        self._wrote = False
        with translated(path):
            self._raw = _connect(path, create=create, read_only=read_only)
        self._engine = create_engine("sqlite+pysqlite://", creator=lambda: self._raw, poolclass=StaticPool)
        event.listen(self._engine, "begin", _begin)
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
    def snapshot(self) -> Iterator[Connection]:
        """Lend a private copy of the store, for reading so long that it would keep writers waiting."""
        self._check_usable()
        with translated(self.path), closing(sqlite3.connect("", isolation_level=None)) as copy:
            with self._lock:
                self._raw.backup(copy)
            engine = create_engine("sqlite+pysqlite://", creator=lambda: copy, poolclass=StaticPool)
            event.listen(engine, "begin", _begin)
            with engine.begin() as connection:
                yield connection
            engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        self._check_usable()
        with self._lock, translated(self.path), engine.begin() as connection:
            yield connection

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
                with suppress(sqlite3.Error):
                    pass_generation(self._raw)
            self._engine.dispose()
            self._raw.close()


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
        raise damaged(path, "what it holds is no text") from error
    except StoreDamagedError as error:
        if str(path) in str(error):
            raise
        raise damaged(path, str(error)) from error


def _connect(path: Path, *, create: bool, read_only: bool) -> sqlite3.Connection:
    left_over = is_left_over(path)
    mode = "rwc" if create and not read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if left_over:
            # The first to read undoes what was begun.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            pass_generation(connection)
        _configure(connection, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection, *, read_only: bool) -> None:
    for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "fullfsync=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if not read_only and mode != journal_mode():
        mode = _change_journal(connection, mode)
    # EXTRA also syncs the folder once the journal is deleted: else a power cut may undo the last commit.
    connection.execute(f"PRAGMA synchronous={'FULL' if mode == 'wal' else 'EXTRA'}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")


def _change_journal(connection: sqlite3.Connection, mode: str) -> str:
    try:
        return str(connection.execute(f"PRAGMA journal_mode={journal_mode()}").fetchone()[0])
    except sqlite3.OperationalError as error:
        # The rollback journal is sound everywhere: with others at work, the next opening may change it.
        if mode == "delete" and "locked" in str(error):
            return mode
        raise


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
    driver = connection.connection.dbapi_connection
    if write and isinstance(driver, sqlite3.Connection):
        next_generation(driver)
