"""Upgrading a store with an older schema; the only module that imports alembic."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from gridsearch.errors import StoreBusyError, StoreDamagedError, StoreLockedError
from gridsearch.store.backups import back_up
from gridsearch.store.connection import Database
from gridsearch.store.processes import process_start, process_table, surely_gone, this_host
from gridsearch.store.schema.revisions import CURRENT, revision_of
from gridsearch.store.verify.verification import verify
from gridsearch.store.write.launches import give_up_launch, launch_cause

MIGRATIONS = Path(__file__).parent / "migrations"
#: How long an open launch whose process cannot be seen is listened to: a few of its beats, of one every 5 seconds.
LISTENING_SECONDS = 15.0


def upgrade(database: Database, migrations: Path = MIGRATIONS, target: str = CURRENT) -> None:
    """Bring the schema to `target` in one transaction: it is changed wholly or not at all.

    A copy of the store is first made beside it, which is the only way back: migrations have no `downgrade`.
    `StoreBusyError` when a launch is using the store: its process is seen, or it gives a sign of life. Those that do
    not are closed as lost: a program that knows the older schema can record nothing more.
    """
    silent = _refuse_while_used(database)
    # Within a transaction, which has its lock: a backup by itself waits for others without end.
    with database.read():
        back_up(database.raw, database.path, target)
    with database.write() as connection:
        # Another process may have done it since.
        if revision_of(connection, database.path) != target:
            command.upgrade(alembic_config(connection, migrations), target)
            if target != CURRENT:
                return
            for launch in silent:
                give_up_launch(connection, launch_cause(connection, launch.id, datetime.now(UTC)), launch.beat)
            # What an upgrade makes of damage would look sound for ever after.
            if problems := verify(connection):
                raise StoreDamagedError(f"as its upgrade shows: {problems[0].subject}: {problems[0].text}")


def alembic_config(connection: Connection, migrations: Path = MIGRATIONS) -> Config:
    """Return alembic's configuration for an open connection; no file, and no path of any machine."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _refuse_while_used(database: Database) -> list[Any]:
    """Return the open launches, all of which are gone or were silent for as long as they were listened to."""
    before = _open_launches(database)
    for launch in before:
        if _is_seen(launch):
            raise _used(database.path, launch)
    unseen = {launch.id: launch.beat for launch in before if not _is_gone(launch)}
    if not unseen:
        return before
    database.patience.note(
        f"the store {database.path} must be upgraded: checking for {LISTENING_SECONDS:.0f} s whether a launch uses it"
    )
    until = time.monotonic() + LISTENING_SECONDS
    while time.monotonic() < until:
        if database.patience.stop():
            raise StoreLockedError(f"the store {database.path} must be upgraded, but the command was stopped first")
        time.sleep(min(0.1, LISTENING_SECONDS))
    for launch in _open_launches(database):
        if launch.id not in unseen or launch.beat != unseen[launch.id]:
            raise _used(database.path, launch)
    return before


def _open_launches(database: Database) -> list[Any]:
    statement = "SELECT * FROM launches WHERE ended_at IS NULL"
    with database.read() as connection:
        return list(connection.exec_driver_sql(statement))


def _used(path: Path, launch: Any) -> StoreBusyError:
    who = f"launch {launch.id} (process {launch.pid} on {launch.host})"
    return StoreBusyError(f"the store {path} must be upgraded, but {who} is using it; stop that first")


def _is_seen(launch: Any) -> bool:
    """Whether its process is there; earlier schemas have the beginning of the boot's id beside the host's name."""
    return bool(launch.host.partition(" ")[0] == this_host() and process_start(launch.pid) == launch.pid_started)


def _is_gone(launch: Any) -> bool:
    """Whether its process has certainly ended, which needs its own table of processes."""
    table = getattr(launch, "process_table", None)  # which earlier schemas do not have
    here = table is not None and table == process_table() and launch.host == this_host()
    return here and surely_gone(launch.pid, launch.pid_started)
