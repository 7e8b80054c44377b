"""Writing and reading launches: who trains, since when, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from gridsearch.errors import LaunchClosedError, StoreError
from gridsearch.store.claims import release
from gridsearch.store.columns import storable
from gridsearch.store.jobs import job_key
from gridsearch.store.journal import LAUNCH_CLOSED, LAUNCH_OPENED, Cause, log
from gridsearch.store.lookup import AnyRow
from gridsearch.store.rows import LaunchRow
from gridsearch.store.tables import OUTCOMES, jobs, launches


@dataclass(frozen=True, slots=True)
class Process:
    """The process behind a launch; `pid_started`, in any unit, tells it from a later one of that number.

    `table` says where `pid` is a number, None where that is not known.
    """

    host: str
    pid: int
    pid_started: float
    workers: int
    table: str | None = None


def open_launch(connection: Connection, job: str, process: Process, at: datetime) -> int:
    """See `Store.open_launch`."""
    key = job_key(connection, job)
    values = {
        "host": storable(process.host),
        "pid": process.pid,
        "pid_started": process.pid_started,
        "workers": process.workers,
        "process_table": None if process.table is None else storable(process.table),
    }
    primary_key = connection.execute(
        insert(launches).values(job=key, beat=0, started_at=at, **values)
    ).inserted_primary_key
    assert primary_key is not None
    cause = Cause(at, key, int(primary_key[0]))
    log(connection, cause, [cause.event(LAUNCH_OPENED, detail=values)])
    return int(primary_key[0])


def beat(connection: Connection, launch_id: int, at: datetime) -> None:
    """See `Store.beat`."""
    row = launches.c
    connection.execute(update(launches).where(row.id == launch_id).values(beat=row.beat + 1, beat_at=at))


def give_up_launch(connection: Connection, cause: Cause, beat: int) -> bool:
    """See `Store.give_up_launch`; `cause` names the launch."""
    found = connection.scalar(
        select(launches.c.beat).where(launches.c.id == cause.launch, launches.c.ended_at.is_(None))
    )
    if found != beat:
        return False
    close_launch(connection, cause, "lost")
    return True


def close_launch(connection: Connection, cause: Cause, outcome: str) -> None:
    """See `Store.close_launch`; `cause` names the launch."""
    if outcome not in OUTCOMES:
        raise StoreError(f"a launch cannot end as {outcome!r} (valid: {', '.join(OUTCOMES)})")
    closed = connection.execute(
        update(launches)
        .where(launches.c.id == cause.launch, launches.c.ended_at.is_(None))
        .values(ended_at=cause.at, outcome=outcome)
    )
    if closed.rowcount:
        release(connection, cause)
        log(connection, cause, [cause.event(LAUNCH_CLOSED, detail={"outcome": outcome})])


def open_launches(connection: Connection) -> list[LaunchRow]:
    """See `Store.open_launches`."""
    columns = launches.c
    statement = (
        select(
            columns.id,
            jobs.c.name,
            columns.host,
            columns.pid,
            columns.pid_started,
            columns.beat,
            columns.workers,
            columns.started_at,
            columns.ended_at,
            columns.outcome,
            columns.process_table,
            columns.beat_at,
        )
        .join_from(launches, jobs)
        .where(columns.ended_at.is_(None))
        .order_by(columns.id)
    )
    rows: Iterable[AnyRow] = connection.execute(statement)
    return [LaunchRow(*row) for row in rows]


def launch_cause(connection: Connection, launch_id: int, at: datetime, *, still_open: bool = False) -> Cause:
    """Return a launch as a cause of changes; `StoreError` when unknown or, where it must be open, closed."""
    row = connection.execute(select(launches.c.job, launches.c.outcome).where(launches.c.id == launch_id)).one_or_none()
    if row is None:
        raise StoreError(f"there is no launch {launch_id} in the store")
    if still_open and row.outcome is not None:
        raise LaunchClosedError(f"launch {launch_id} was closed ({row.outcome}) and cannot go on; launch again")
    return Cause(at, row.job, launch_id)
