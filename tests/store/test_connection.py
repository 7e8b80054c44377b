from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gridsearch.errors import StoreDamagedError, StoreError, StoreLockedError
from gridsearch.store import connection as module
from gridsearch.store import sqlite_errors
from gridsearch.store.connection import Database, journal_mode
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import Patience
from tests.store.grids import JOB, SOURCE, SPEC, grid, make_store


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "delete"),
        ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"),
        ((3, 52, 0), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_a_write_ahead_log_only_where_it_is_sound(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, create=True, read_only=False)
    yield opened
    opened.close()


def pragma(database: Database, name: str) -> object:
    with database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_the_connection_is_strict_and_durable(database: Database) -> None:
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "busy_timeout") == 100
    assert pragma(database, "trusted_schema") == 0
    assert (pragma(database, "journal_mode"), pragma(database, "synchronous")) == (
        ("wal", 2) if journal_mode() == "wal" else ("delete", 3)
    )


def test_a_log_left_by_another_version_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(path, grid()).close()
    monkeypatch.setattr(module, "journal_mode", lambda: "wal")
    with open_store(path) as store:
        store.put_job(JOB, SPEC, "changed", grid())
    monkeypatch.setattr(module, "journal_mode", lambda: "delete")
    with open_store(path) as store:
        assert store.verify() == []
    assert path.read_bytes()[18:20] == b"\x01\x01"


def test_a_busy_store_keeps_its_sound_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(path, grid()).close()
    monkeypatch.setattr(module, "journal_mode", lambda: "wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM jobs").fetchall()
        with open_store(path) as store:
            assert store.job(JOB).revision == 1


def test_a_locked_store_is_reported_when_patience_ends(path: Path) -> None:
    make_store(path, grid()).close()
    patience = Patience(limit=0.05)
    with open_store(path, patience=patience) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLockedError, match="another program has had it locked"):
            store.put_job(JOB, SPEC, "changed", grid())
        assert store.job(JOB).source == SOURCE
        other.execute("ROLLBACK")
        assert store.put_job(JOB, SPEC, "changed", grid()).revision == 2


def test_a_writer_excludes_others_from_its_start(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with database.read():
            other.execute("BEGIN IMMEDIATE")


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER NOT NULL)")
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError
    with pytest.raises(StoreError, match="refused the change: NOT NULL"), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
        connection.exec_driver_sql("INSERT INTO t VALUES (NULL)")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0


def test_a_database_that_is_full_says_so(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
    with pytest.raises(StoreError, match="disk is full; free some space"), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")


def test_a_snapshot_does_not_keep_writers_waiting(database: Database, path: Path) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    with database.snapshot() as copy, closing(sqlite3.connect(path, timeout=0)) as other:
        with other:
            other.execute("INSERT INTO t VALUES (1)")
        assert copy.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 1


@pytest.mark.parametrize(
    ("message", "kind", "advice"),
    [
        ("database disk image is malformed", StoreDamagedError, "is damaged"),
        ("no such column: trials.state", StoreDamagedError, "is damaged"),
        ("Could not decode to UTF-8 column 'x'", StoreDamagedError, "is damaged"),
        ("database is locked", StoreError, "wait for it"),
        ("attempt to write a readonly database", StoreError, "writable"),
        ("disk I/O error", StoreError, "quota"),
        ("something\nnew", StoreError, "refused the change: something new"),
    ],
)
def test_what_the_driver_says_is_explained(path: Path, message: str, kind: type, advice: str) -> None:
    error = sqlite_errors.explain(path, message)
    assert type(error) is kind
    assert advice in str(error) and str(path) in str(error) and "\n" not in str(error)
