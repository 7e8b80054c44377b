"""Reading epochs and events: what grows while trials train."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter

from sqlalchemy import Connection, and_, false, func, or_, select

from gridsearch.errors import StoreDamagedError
from gridsearch.spec.outcomes import METRICS
from gridsearch.store.checked_epochs import checked_epochs
from gridsearch.store.columns import to_mapping, to_time
from gridsearch.store.grids import check_grid
from gridsearch.store.jobs import stored_job
from gridsearch.store.lookup import AnyRow, AnySelect, rows_in
from gridsearch.store.rows import EpochRow, EventRow
from gridsearch.store.sealed import EPOCHS, EVENTS, JOBS, LINEAGES, TRIALS, Sealed
from gridsearch.store.tables import events, job_trials, lineages, trials

_EPOCH = EPOCHS.names.index("epoch")
_NUMBERS = itemgetter(*map(EPOCHS.names.index, ("epoch", *METRICS, "learning_rate", "seconds")))
_KEY_OF_LINEAGE, _NAME_OF_LINEAGE, _LAST = (LINEAGES.names.index(name) for name in ("id", "lineage_id", "epoch"))
_JOB_ID = JOBS.names.index("id")

_EVENT_JOB, _EVENT_LINEAGE, _EVENT_TRIAL = (EVENTS.names.index(name) for name in ("job", "lineage", "trial"))
_BEGINNING = itemgetter(*map(EVENTS.names.index, ("id", "at", "kind")))
_END = itemgetter(*map(EVENTS.names.index, ("attempt", "launch", "detail")))


def epochs_of(connection: Connection, lineage_ids: Collection[str]) -> list[EpochRow]:
    """See `Store.epochs`."""
    order = {lineage_id: place for place, lineage_id in enumerate(dict.fromkeys(lineage_ids))}
    found = list(rows_in(connection, select(*LINEAGES.columns), lineages.c.lineage_id, order))
    if len(found) < len(order):
        LINEAGES.check_all(connection)
    found.sort(key=lambda row: order[row[_NAME_OF_LINEAGE]])
    return _curves(connection, found)


def job_epochs(connection: Connection, job: str) -> list[EpochRow]:
    """See `Store.job_epochs`."""
    row = stored_job(connection, job)
    check_grid(connection, row)
    first = (
        select(trials.c.lineage, func.min(job_trials.c.position).label("position"))
        .join_from(job_trials, trials)
        .where(job_trials.c.job == row[_JOB_ID])
        .group_by(trials.c.lineage)
        .subquery()
    )
    statement = (
        select(*LINEAGES.columns)
        .join(first, first.c.lineage == lineages.c.id)
        .where(lineages.c.epoch >= 0)
        .order_by(first.c.position)
    )
    return _curves(connection, connection.execute(statement).fetchall())


def _curves(connection: Connection, found: Collection[AnyRow]) -> list[EpochRow]:
    """Return the epochs of lineages, given as rows of `LINEAGES.columns`: checked, and none missing."""
    curves = checked_epochs(connection, [row[_KEY_OF_LINEAGE] for row in found])
    result = []
    for row in found:
        LINEAGES.check(row)
        name, curve = row[_NAME_OF_LINEAGE], curves.get(row[_KEY_OF_LINEAGE], [])
        # All are there when they are as many and the last is the last: a lineage has each of them once.
        if len(curve) != row[_LAST] + 1 or (curve and curve[-1][_EPOCH] != row[_LAST]):
            raise StoreDamagedError(f"{LINEAGES.subject(row)} should have {row[_LAST] + 1} epochs, not {len(curve)}")
        result += [EpochRow(name, *_NUMBERS(epoch)) for epoch in curve]
    return result


def events_of(connection: Connection, job: str | None, trial_id: str | None, limit: int) -> list[EventRow]:
    """See `Store.events`."""
    statement: AnySelect = select(*EVENTS.columns)
    if job is not None:
        statement = statement.where(events.c.job == stored_job(connection, job)[_JOB_ID])
    if trial_id is not None:
        subject = connection.execute(
            select(trials.c.id, trials.c.lineage, trials.c.enqueued).where(trials.c.trial_id == trial_id)
        ).one_or_none()
        if subject is None:
            statement = statement.where(false())
        else:
            own = or_(events.c.trial == subject.id, events.c.trial.is_(None))
            of_lineage = and_(events.c.lineage == subject.lineage, own)
            statement = statement.where(or_(of_lineage, events.c.id == subject.enqueued))
    last = connection.execute(statement.order_by(events.c.id.desc()).limit(max(limit, 0))).fetchall()[::-1]
    for row in last:
        EVENTS.check(row)
    jobs_of = _names(connection, JOBS, "name", (row[_EVENT_JOB] for row in last))
    lineages_of = _names(connection, LINEAGES, "lineage_id", (row[_EVENT_LINEAGE] for row in last))
    trials_of = _names(connection, TRIALS, "trial_id", (row[_EVENT_TRIAL] for row in last))
    return [
        EventRow(
            number,
            to_time(at),
            kind,
            jobs_of[row[_EVENT_JOB]],
            lineages_of[row[_EVENT_LINEAGE]],
            trials_of[row[_EVENT_TRIAL]],
            attempt,
            launch,
            to_mapping(detail),
        )
        for row in last
        for (number, at, kind), (attempt, launch, detail) in [(_BEGINNING(row), _END(row))]
    ]


def _names(
    connection: Connection, sealed: Sealed, name: str, keys: Iterable[int | None]
) -> dict[int | None, str | None]:
    """Return a column of checked rows by their row numbers, and None for None."""
    place, number = sealed.names.index(name), sealed.names.index("id")
    asked = {key for key in keys if key is not None}
    found: dict[int | None, str | None] = {None: None}
    for row in rows_in(connection, select(*sealed.columns), sealed.table.c.id, asked):
        sealed.check(row)
        found[row[number]] = row[place]
    if missing := asked - found.keys():
        raise StoreDamagedError(f"{sealed.table.name} {min(missing)} is missing")
    return found
