"""The schema's history: what alembic makes is what `tables` says, and every released store still works."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from gridsearch.config.events import TrialState
from gridsearch.errors import StoreBusyError, StoreDamagedError, StoreError
from gridsearch.store import opening
from gridsearch.store.connection import Database
from gridsearch.store.opening import open_store
from gridsearch.store.processes import process_start
from gridsearch.store.rows import Origin
from gridsearch.store.schema import revisions, upgrading
from gridsearch.store.schema.tables import metadata
from tests.store.grids import JOB, claim_all, epochs, grid, make_store
from tests.store.make_asset import ASSETS, CORRECT, ORIGIN, RATES, RIGHT, make_asset

#: The version that comes after today's.
NEXT = f"m{int(revisions.CURRENT[1:]) + 1:03}"
FOLLOWING = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{revisions.CURRENT}"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("note", sa.Text))
    op.execute("UPDATE jobs SET note = 'upgraded'")
    {{last}}
"""


def migrate(path: Path) -> None:
    database = Database(path, create=True, read_only=False)
    with database.write() as connection:
        command.upgrade(upgrading.alembic_config(connection), "head")
    database.close()


def parts_of(path: Path) -> set[str]:
    """Return all of a schema but the order: a column added later carries its own constraints along."""
    engine = create_engine(f"sqlite+pysqlite:///{path}")
    found = inspect(engine)
    asked = (
        *(found.get_columns, found.get_check_constraints, found.get_foreign_keys),
        found.get_unique_constraints,
    )
    parts = {f"{table} {part}" for table in found.get_table_names() for ask in asked for part in ask(table)}
    keys = {f"{table} {found.get_pk_constraint(table)}" for table in found.get_table_names()}
    with engine.connect() as connection:
        read = connection.exec_driver_sql
        indexes = set(read("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").scalars())
        without = set(read("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'").scalars())
    engine.dispose()
    return parts | keys | indexes | {f"{table} has no rowid" for table in without}


def test_the_migrations_make_the_schema_that_a_fresh_store_has(path: Path, tmp_path: Path) -> None:
    open_store(path).close()
    migrate(tmp_path / "migrated.db")
    with (
        closing(sqlite3.connect(path)) as fresh,
        closing(sqlite3.connect(tmp_path / "migrated.db")) as migrated,
    ):
        assert parts_of(path) == parts_of(tmp_path / "migrated.db")
        version = "SELECT * FROM alembic_version"
        assert fresh.execute(version).fetchall() == migrated.execute(version).fetchall()


def test_alembic_finds_no_difference(path: Path) -> None:
    migrate(path)
    database = Database(path, create=False, read_only=True)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_the_known_versions_are_the_files_of_the_history() -> None:
    script = ScriptDirectory(str(upgrading.MIGRATIONS))
    assert [revision.revision for revision in script.walk_revisions()][::-1] == list(revisions.REVISIONS)
    assert script.get_heads() == [revisions.CURRENT]


def test_there_is_a_saved_store_of_every_version_and_nothing_else() -> None:
    assert sorted(file.name for file in ASSETS.iterdir()) == [f"{name}.db" for name in revisions.REVISIONS]


def test_the_saved_store_of_this_version_is_what_the_script_makes(path: Path) -> None:
    make_asset(path)
    with open_store(path) as made, open_store(copy_of(revisions.CURRENT, path.with_name("saved.db"))) as saved:
        assert [(row.trial_id, row.state, row.val_loss, row.seconds) for row in made.trials()] == [
            (row.trial_id, row.state, row.val_loss, row.seconds) for row in saved.trials()
        ]
        assert [(event.kind, event.detail) for event in made.events()] == [
            (
                event.kind,
                event.detail | {"pid": os.getpid()} if event.kind == "launch_opened" else event.detail,
            )
            for event in saved.events()
        ]


def copy_of(version: str, path: Path) -> Path:
    shutil.copy(ASSETS / f"{version}.db", path)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("version", revisions.REVISIONS)
def test_a_saved_store_opens_and_goes_on(version: str, path: Path) -> None:
    trials = grid(rates=RATES, epochs=(1, 3))
    with open_store(copy_of(version, path)) as store:
        assert store.verify() == []
        # An upgrade closes the launches that were silent before it.
        was_open = TrialState.RUNNING if version == revisions.CURRENT else TrialState.PENDING
        assert store.counts(JOB) == {
            was_open: 1,
            TrialState.COMPLETED: 5,
            TrialState.DIVERGED: 1,
            TrialState.FAILED: 1,
        }
        assert [row.launch_id for row in store.open_launches()] == [1] * (version == revisions.CURRENT)
        # What an older version did not write is not known.
        known = ORIGIN if version >= "m013" else replace(ORIGIN, versions=()) if version >= "m010" else Origin()
        assert [row.origin for row in store.launches(JOB)] == [known]
        assert list(store.answers([trials[1].lineage_id]).values()) == [{3: RIGHT}] * (version >= "m012")
        correct = CORRECT if version >= "m011" else b""
        assert [row.correct for row in store.evaluations()] == [correct] * (version >= "m004")
        store.close_launch(1, "lost")
        assert [row.detail for row in store.events() if row.kind == "launch_closed"] == [{"outcome": "lost"}]
        assert store.reopen(JOB, [TrialState.FAILED]) == 1
        launch = store.open_launch(JOB, "host", 1, 1.0, 1)
        claims = claim_all(store, launch, trials)
        assert [(claim.attempt, claim.recorded_epoch) for claim in claims] == [(2, 1), (2, 1)]
        store.record(launch, [event for claim in claims for event in epochs(claim, 3, first=2)], {})
        store.close_launch(launch, "complete")
        assert store.counts(JOB) == {TrialState.COMPLETED: 7, TrialState.DIVERGED: 1}
        assert store.verify() == []


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A future in which there is one more version of the schema."""
    folder = tmp_path / "100% migrations"
    shutil.copytree(upgrading.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT}_note.py").write_text(FOLLOWING.format(last=""))
    monkeypatch.setattr(revisions, "REVISIONS", (*revisions.REVISIONS, NEXT))
    for module in (revisions, opening):
        monkeypatch.setattr(module, "CURRENT", NEXT)
    monkeypatch.setattr(upgrading.upgrade, "__defaults__", (folder, NEXT))
    return folder / "versions" / f"{NEXT}_note.py"


def test_an_older_store_is_upgraded_after_a_backup(path: Path, next_version: Path) -> None:
    before = copy_of("m001", path).read_bytes()
    backup = path.with_name(f"results.db.before-{NEXT}")
    with pytest.raises(StoreError, match="older schema, m001"):
        open_store(path, read_only=True)
    assert not backup.exists()
    with open_store(path) as store:
        assert len(store.trials()) == 8
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT note FROM jobs").fetchall() == [("upgraded",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(NEXT,)]
    with closing(sqlite3.connect(backup)) as kept, closing(sqlite3.connect(":memory:")) as original:
        original.deserialize(before)
        assert list(kept.iterdump()) == list(original.iterdump())
    assert sorted(entry.name for entry in path.parent.glob("results.db*")) == [path.name, backup.name]
    open_store(path, read_only=True).close()


def test_an_upgrade_that_fails_changes_nothing(path: Path, next_version: Path) -> None:
    next_version.write_text(FOLLOWING.format(last="op.execute('INSERT INTO nowhere VALUES (1)')"))
    before = copy_of("m001", path).read_bytes()
    with pytest.raises(StoreError, match=rf"results\.db\.before-{NEXT}"):
        open_store(path)
    assert path.read_bytes() == before
    next_version.write_text(FOLLOWING.format(last=""))
    open_store(path).close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE epochs SET val_loss = val_loss + 1e-9 WHERE lineage = 1 AND epoch = 1", "epochs 1/1"),
        ("UPDATE trials SET attempt = 9 WHERE id = 2", "trials 2"),
        ("UPDATE launches SET workers = 9", "launches 1"),
        ("UPDATE evaluations SET loss = 0.25", "evaluations 2"),
    ],
)
def test_an_upgrade_names_the_row_that_is_damaged(path: Path, change: str, named: str) -> None:
    with closing(sqlite3.connect(copy_of("m008", path))) as connection, connection:
        connection.execute(change)
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match=f"{named} is not what was written"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_store_in_use_is_not_upgraded(path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(copy_of("m001", path))) as connection, connection:
        here = (f"{socket.gethostname()} 0a1b2c3d", os.getpid(), process_start(os.getpid()))
        connection.execute("UPDATE launches SET host = ?, pid = ?, pid_started = ?", here)
    with pytest.raises(StoreBusyError, match=f"process {os.getpid()} .*stop that first") as caught:
        open_store(path)
    assert caught.value.exit_code == 4

    def beat(seconds: float) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE launches SET beat = beat + 1")

    # The number is not that process's, so it is not seen; but it beats.
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE launches SET pid_started = 1")
    with monkeypatch.context() as patch:
        patch.setattr(upgrading.time, "sleep", beat)
        with pytest.raises(StoreBusyError, match=f"process {os.getpid()} .*stop that first"):
            open_store(path)
    open_store(path).close()


def test_two_processes_may_make_the_same_store(path: Path) -> None:
    make_store(path, grid()).close()
    database = Database(path, create=True, read_only=False)
    opening._prepare(database, create=True, read_only=False)
    database.close()
    with open_store(path) as store:
        assert len(store.trials()) == 4
