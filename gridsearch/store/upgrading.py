"""Upgrading a store with an older schema; the only module that imports alembic."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path

import psutil
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from gridsearch.errors import StoreBusyError, StoreDamagedError
from gridsearch.store.backups import back_up
from gridsearch.store.connection import Database
from gridsearch.store.schema import CURRENT, revision_of
from gridsearch.store.verification import verify

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, migrations: Path = MIGRATIONS, target: str = CURRENT) -> None:
    """Bring the schema to `target` in one transaction: it is changed wholly or not at all.

    A copy of the store is first made beside it, which is the only way back: migrations have no `downgrade`.
    `StoreBusyError` when a launch on this machine is using the store.
    """
    with database.read() as connection:
        _refuse_while_used(connection, database.path)
    back_up(database.raw, database.path, target)
    with database.write() as connection:
        # Another process may have done it since.
        if revision_of(connection, database.path) != target:
            command.upgrade(alembic_config(connection, migrations), target)
            # What an upgrade makes of damage would look sound for ever after.
            if target == CURRENT and (problems := verify(connection)):
                raise StoreDamagedError(f"as its upgrade shows: {problems[0].subject}: {problems[0].text}")


def alembic_config(connection: Connection, migrations: Path = MIGRATIONS) -> Config:
    """Return alembic's configuration for an open connection; no file, and no path of any machine."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _refuse_while_used(connection: Connection, path: Path) -> None:
    statement = "SELECT id, host, pid, started_at FROM launches WHERE ended_at IS NULL"
    for launch, host, pid, started_at in connection.exec_driver_sql(statement):
        # The engine may add to the host's name what tells its boots apart.
        if host.partition(" ")[0] == socket.gethostname() and _lives(pid, datetime.fromisoformat(started_at)):
            who = f"launch {launch} (process {pid})"
            raise StoreBusyError(f"the store {path} must be upgraded, but {who} is using it; stop that first")


def _lives(pid: int, launched_at: datetime) -> bool:
    """Whether the process is one that was there when the launch began."""
    try:
        return bool(psutil.Process(pid).create_time() <= launched_at.timestamp())
    except psutil.Error:
        return False
