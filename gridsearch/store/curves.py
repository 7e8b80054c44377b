"""Reading epochs and events: what grows while trials train."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, false, func, or_, select

from gridsearch.spec.outcomes import METRICS
from gridsearch.store.jobs import job_key
from gridsearch.store.lookup import AnySelect, rows_in
from gridsearch.store.rows import EpochRow, EventRow
from gridsearch.store.tables import epochs, events, job_trials, jobs, lineages, trials

_EPOCHS: AnySelect = select(
    lineages.c.lineage_id,
    epochs.c.epoch,
    *(epochs.c[metric] for metric in METRICS),
    epochs.c.learning_rate,
    epochs.c.seconds,
).join_from(lineages, epochs)

_EVENTS: AnySelect = (
    select(
        events.c.id,
        events.c.at,
        events.c.kind,
        jobs.c.name,
        lineages.c.lineage_id,
        trials.c.trial_id,
        events.c.attempt,
        events.c.launch,
        events.c.detail,
    )
    .join_from(events, jobs, isouter=True)
    .join(lineages, events.c.lineage == lineages.c.id, isouter=True)
    .join(trials, events.c.trial == trials.c.id, isouter=True)
)


def epochs_of(connection: Connection, lineage_ids: Collection[str]) -> list[EpochRow]:
    """See `Store.epochs`."""
    order = {lineage_id: place for place, lineage_id in enumerate(dict.fromkeys(lineage_ids))}
    found = [EpochRow(*row) for row in rows_in(connection, _EPOCHS, lineages.c.lineage_id, order)]
    return sorted(found, key=lambda row: (order[row.lineage_id], row.epoch))


def job_epochs(connection: Connection, job: str) -> list[EpochRow]:
    """See `Store.job_epochs`."""
    first = (
        select(trials.c.lineage, func.min(job_trials.c.position).label("position"))
        .join_from(job_trials, trials)
        .where(job_trials.c.job == job_key(connection, job))
        .group_by(trials.c.lineage)
        .subquery()
    )
    statement = _EPOCHS.join(first, first.c.lineage == lineages.c.id).order_by(first.c.position, epochs.c.epoch)
    return [EpochRow(*row) for row in connection.execute(statement)]


def events_of(connection: Connection, job: str | None, trial_id: str | None, limit: int) -> list[EventRow]:
    """See `Store.events`."""
    statement = _EVENTS
    if job is not None:
        statement = statement.where(events.c.job == job_key(connection, job))
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
    last = connection.execute(statement.order_by(events.c.id.desc()).limit(max(limit, 0))).fetchall()
    return [EventRow(*row) for row in reversed(last)]
