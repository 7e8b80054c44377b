"""Writing and reading launches: who trains, since when, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from gridsearch.errors import LaunchClosedError, StoreError
from gridsearch.store.checked_tables import JOBS, LAUNCHES
from gridsearch.store.queries.lookup import AnyRow
from gridsearch.store.rows import LaunchRow, Origin
from gridsearch.store.schema.columns import storable, to_json, to_mapping, to_text, to_time
from gridsearch.store.schema.tables import OUTCOMES, jobs, launches
from gridsearch.store.write.claims import release
from gridsearch.store.write.event_log import LAUNCH_CLOSED, LAUNCH_OPENED, Cause, log
from gridsearch.store.write.jobs import job_key


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


def open_launch(connection: Connection, job: str, process: Process, origin: Origin, at: datetime) -> int:
    """See `Store.open_launch`."""
    key = job_key(connection, job)
    values = {
        "host": storable(process.host),
        "pid": process.pid,
        "pid_started": float(process.pid_started),
        "workers": process.workers,
        "process_table": None if process.table is None else storable(process.table),
        "command": None if origin.command is None else storable(origin.command),
        "git_commit": origin.commit,
        "git_clean": None if origin.clean is None else int(origin.clean),
        "versions": to_json(dict(origin.versions)) if origin.versions else None,
    }
    number = int(connection.scalar(select(func.max(launches.c.id))) or 0) + 1
    LAUNCHES.insert(connection, [{"id": number, "job": key, "beat": 0, "started_at": to_text(at), **values}])
    cause = Cause(at, key, number)
    log(connection, cause, [cause.event(LAUNCH_OPENED, detail=values)])
    return number


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
    if connection.scalar(select(launches.c.ended_at).where(launches.c.id == cause.launch)) is None:
        LAUNCHES.change(connection, [{"id": cause.launch, "ended_at": cause.stamp, "outcome": outcome}])
        release(connection, cause)
        log(connection, cause, [cause.event(LAUNCH_CLOSED, detail={"outcome": outcome})])


def open_launches(connection: Connection) -> list[LaunchRow]:
    """See `Store.open_launches`."""
    return [row for row in _launches(connection) if row.ended_at is None]


def launches_of(connection: Connection, job: str) -> list[LaunchRow]:
    """See `Store.launches`."""
    job_key(connection, job)
    return [row for row in _launches(connection) if row.job == job]


def _launches(connection: Connection) -> list[LaunchRow]:
    statement = select(*LAUNCHES.columns, *JOBS.columns).join_from(launches, jobs, isouter=True).order_by(launches.c.id)
    rows = connection.execute(statement).fetchall()
    # Those that ended, too: one may only look as if it had.
    for row in rows:
        LAUNCHES.check(row)
        JOBS.check(row, LAUNCHES.width)
    return [_launch_row(row) for row in rows]


def _launch_row(row: AnyRow) -> LaunchRow:
    told = LAUNCHES.by_name(row)
    return LaunchRow(
        launch_id=told["id"],
        job=JOBS.by_name(row, LAUNCHES.width)["name"],
        host=told["host"],
        pid=told["pid"],
        pid_started=told["pid_started"],
        beat=told["beat"],
        workers=told["workers"],
        started_at=to_time(told["started_at"]),
        ended_at=None if told["ended_at"] is None else to_time(told["ended_at"]),
        outcome=told["outcome"],
        process_table=told["process_table"],
        beat_at=None if told["beat_at"] is None else to_time(told["beat_at"]),
        origin=_origin(told),
    )


def _origin(told: Mapping[str, Any]) -> Origin:
    versions = {} if told["versions"] is None else to_mapping(told["versions"])
    return Origin(
        told["command"],
        told["git_commit"],
        None if told["git_clean"] is None else bool(told["git_clean"]),
        tuple((name, str(version)) for name, version in versions.items()),
    )


def launch_cause(connection: Connection, launch_id: int, at: datetime, *, still_open: bool = False) -> Cause:
    """Return a launch as a cause of changes; `StoreError` when unknown or, where it must be open, closed."""
    row = connection.execute(select(*LAUNCHES.columns).where(launches.c.id == launch_id)).one_or_none()
    if row is None:
        raise StoreError(f"there is no launch {launch_id} in the store")
    LAUNCHES.check(row)
    told = LAUNCHES.by_name(row)
    if still_open and told["outcome"] is not None:
        raise LaunchClosedError(f"launch {launch_id} was closed ({told['outcome']}) and cannot continue; launch again")
    return Cause(at, told["job"], launch_id)
