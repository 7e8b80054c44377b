"""Reading epochs and events: what grows while trials train."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

from sqlalchemy import Connection, and_, func, or_, select, true

from gridsearch.config.metrics import METRICS, NO_METRICS, without_idle
from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import EPOCHS, EVENTS, JOBS, LINEAGES, TRIALS, checked
from gridsearch.store.queries.checked_epochs import checked_epochs, epochs_of_job
from gridsearch.store.queries.grids import check_grid, lineages_of_job
from gridsearch.store.queries.keys import names_of
from gridsearch.store.queries.lookup import AnySelect, Values, batches, batches_in
from gridsearch.store.rows import EpochRow, EventRow, LineageCurve
from gridsearch.store.schema.columns import to_mapping, to_metrics, to_time
from gridsearch.store.schema.tables import epochs, events, job_trials, lineages, trials
from gridsearch.store.write.jobs import stored_job

_LINEAGES: AnySelect = select(*LINEAGES.columns)
_TRIALS: AnySelect = select(*TRIALS.columns)
_SUBJECT = itemgetter(*map(TRIALS.names.index, ("id", "lineage", "enqueued")))
_EPOCH = EPOCHS.names.index("epoch")
_NUMBERS = itemgetter(*map(EPOCHS.names.index, (*LineageCurve._fields[1:-1], "metrics")))
_KEY_OF_LINEAGE, _NAME_OF_LINEAGE, _LAST = (LINEAGES.names.index(name) for name in ("id", "lineage_id", "epoch"))
_JOB_ID = JOBS.names.index("id")

_EVENT_JOB, _EVENT_LINEAGE, _EVENT_TRIAL = (EVENTS.names.index(name) for name in ("job", "lineage", "trial"))
_BEGINNING = itemgetter(*map(EVENTS.names.index, ("id", "at", "kind")))
_END = itemgetter(*map(EVENTS.names.index, ("attempt", "launch", "detail")))


def curves_of(connection: Connection, lineage_ids: Collection[str]) -> dict[str, LineageCurve]:
    """See `Store.curves`."""
    order = {lineage_id: place for place, lineage_id in enumerate(dict.fromkeys(lineage_ids))}
    found = list(checked(batches_in(connection, _LINEAGES, lineages.c.lineage_id, order), LINEAGES))
    if len(found) < len(order):
        LINEAGES.check_all(connection)
    found.sort(key=lambda row: order[row[_NAME_OF_LINEAGE]])
    return _whole(found, checked_epochs(connection, [row[_KEY_OF_LINEAGE] for row in found]))


def job_epochs(connection: Connection, job: str) -> list[EpochRow]:
    """See `Store.job_epochs`."""
    row = stored_job(connection, job)
    check_grid(connection, row)
    first = lineages_of_job(row[_JOB_ID], func.min(job_trials.c.position).label("position"))
    statement = _LINEAGES.select_from(first).join(lineages, first.c.lineage == lineages.c.id, isouter=True)
    begun = statement.where(lineages.c.epoch.is_distinct_from(-1)).order_by(first.c.position)
    found = list(checked(batches(connection, begun), LINEAGES))
    curves = epochs_of_job(connection, row[_JOB_ID])
    if curves.keys() - {row[_KEY_OF_LINEAGE] for row in found}:
        LINEAGES.check_all(connection)  # one only looks as if it had no epochs
    return [row for curve in _whole(found, curves).values() for row in curve.rows]


def metric_names(connection: Connection, job: str) -> tuple[str, ...]:
    """See `Store.metric_names`."""
    members = select(trials.c.lineage).join_from(job_trials, trials)
    of_job = epochs.c.lineage.in_(members.where(job_trials.c.job == stored_job(connection, job)[_JOB_ID]))
    each = func.json_each(epochs.c.metrics).table_valued("key")
    names = select(each.c.key).select_from(epochs.join(each, true())).where(of_job, epochs.c.metrics.isnot(None))
    named = set(connection.scalars(names.distinct()))
    own, foreign = (
        connection.scalar(select(epochs.c.epoch).where(of_job, kind).limit(1))
        for kind in (epochs.c.learning_rate.isnot(None), epochs.c.learning_rate.is_(None))
    )
    standard = [name for name in METRICS if own is not None or foreign is None or name in named]
    measured = {
        name
        for name in METRICS
        if own is not None
        and connection.scalar(select(epochs.c.epoch).where(of_job, epochs.c[name].isnot(None)).limit(1)) is not None
    }
    return (*without_idle(standard, measured), *sorted(named.difference(METRICS)))


def _whole(found: Collection[Values], curves: Mapping[int, list[Values]]) -> dict[str, LineageCurve]:
    """Return the epochs, none missing, of lineages that are given as checked rows of `LINEAGES.columns`."""
    result = {}
    for row in found:
        name, curve = row[_NAME_OF_LINEAGE], curves.get(row[_KEY_OF_LINEAGE], [])
        # All are there when they are as many and the last is the last: a lineage has each of them once.
        if len(curve) != row[_LAST] + 1 or (curve and curve[-1][_EPOCH] != row[_LAST]):
            raise StoreDamagedError(f"{LINEAGES.subject(row)} should have {row[_LAST] + 1} epochs, not {len(curve)}")
        result[name] = _curve(name, curve)
    return result


def _curve(name: str, rows: Sequence[Values]) -> LineageCurve:
    if not rows:
        return LineageCurve(name)
    *columns, texts = _NUMBERS(tuple(zip(*rows, strict=True)))
    more = tuple(map(to_metrics, texts)) if any(texts) else (NO_METRICS,) * len(rows)
    return LineageCurve._make([name, *columns, more])


def events_of(connection: Connection, job: str | None, trial_id: str | None, limit: int) -> list[EventRow]:
    """See `Store.events`."""
    statement: AnySelect = select(*EVENTS.columns)
    if job is not None:
        statement = statement.where(events.c.job == stored_job(connection, job)[_JOB_ID])
    if trial_id is not None:
        subject = next(checked(batches(connection, _TRIALS.where(trials.c.trial_id == trial_id)), TRIALS), None)
        if subject is None:
            TRIALS.check_all(connection)
            return []
        number, lineage, enqueued = _SUBJECT(subject)
        own = or_(events.c.trial == number, events.c.trial.is_(None))
        of_lineage = and_(events.c.lineage == lineage, own)
        statement = statement.where(or_(of_lineage, events.c.id == enqueued))
    newest = statement.order_by(events.c.id.desc()).limit(max(limit, 0))
    last = list(checked(batches(connection, newest), EVENTS))[::-1]
    jobs_of = names_of(connection, JOBS, "name", (row[_EVENT_JOB] for row in last))
    lineages_of = names_of(connection, LINEAGES, "lineage_id", (row[_EVENT_LINEAGE] for row in last))
    trials_of = names_of(connection, TRIALS, "trial_id", (row[_EVENT_TRIAL] for row in last))
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
