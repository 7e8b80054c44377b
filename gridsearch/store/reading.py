"""Reading trials, lineages and counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, func, select

from gridsearch.errors import StoreError, nearest
from gridsearch.spec.outcomes import METRICS, TrialState
from gridsearch.store.jobs import job_key
from gridsearch.store.lookup import AnyRow, AnySelect, rows_in
from gridsearch.store.rows import LineageRow, TrialRow
from gridsearch.store.tables import job_trials, lineages, trials

#: How many trials an error names when a prefix is ambiguous.
_CANDIDATES = 4

_TRIALS: AnySelect = select(
    trials.c.trial_id,
    lineages.c.lineage_id,
    trials.c.epochs,
    trials.c.config,
    trials.c.state,
    trials.c.attempt,
    *(trials.c[metric] for metric in METRICS),
    trials.c.diverged_epoch,
    trials.c.error,
    trials.c.log,
    trials.c.seconds,
    trials.c.finished_at,
    trials.c.stopped_epoch,
    lineages.c.parameters,
    lineages.c.macs,
).join_from(trials, lineages)


def _trial_row(row: AnyRow) -> TrialRow:
    return TrialRow(*row)


def states(connection: Connection, trial_ids: Collection[str]) -> dict[str, TrialState]:
    """See `Store.states`."""
    statement = select(trials.c.trial_id, trials.c.state)
    return {row[0]: row[1] for row in rows_in(connection, statement, trials.c.trial_id, trial_ids)}


def lineage_rows(connection: Connection, lineage_ids: Collection[str]) -> dict[str, LineageRow]:
    """See `Store.lineages`."""
    columns = lineages.c
    statement = select(
        *(columns.lineage_id, columns.attempt, columns.epoch, columns.diverged_epoch, columns.launch),
        *(columns.stopped_epoch, columns.parameters, columns.macs),
    )
    return {row[0]: LineageRow(*row) for row in rows_in(connection, statement, columns.lineage_id, lineage_ids)}


def counts(connection: Connection, job: str) -> dict[TrialState, int]:
    """See `Store.counts`."""
    statement = (
        select(trials.c.state, func.count())
        .join_from(job_trials, trials)
        .where(job_trials.c.job == job_key(connection, job))
        .group_by(trials.c.state)
    )
    found = {row[0]: row[1] for row in connection.execute(statement)}
    return {state: found[state] for state in TrialState if state in found}


def trials_of(connection: Connection, job: str | None) -> list[TrialRow]:
    """See `Store.trials`."""
    if job is None:
        statement = _TRIALS.order_by(trials.c.id)
    else:
        statement = (
            _TRIALS.join(job_trials, job_trials.c.trial == trials.c.id)
            .where(job_trials.c.job == job_key(connection, job))
            .order_by(job_trials.c.position)
        )
    return [_trial_row(row) for row in connection.execute(statement)]


def trials_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, TrialRow]:
    """Return trials by their row numbers."""
    statement = _TRIALS.add_columns(trials.c.id)
    return {row[-1]: TrialRow(*row[:-1]) for row in rows_in(connection, statement, trials.c.id, keys)}


def ranking(connection: Connection, job: str, metric: str, n: int, *, highest: bool) -> list[TrialRow]:
    """See `Store.ranking`."""
    if metric not in METRICS:
        raise StoreError(f"there is no metric {metric!r} to rank by{nearest(metric, METRICS)}")
    value = trials.c[metric]
    best = (
        select(trials.c.id)
        .join_from(job_trials, trials)
        .where(job_trials.c.job == job_key(connection, job), value.isnot(None), trials.c.state != TrialState.DIVERGED)
        .order_by(value.desc() if highest else value, job_trials.c.position)
        .limit(max(n, 0))
    )
    keys = list(connection.scalars(best))
    found = trials_by_key(connection, keys)
    return [found[key] for key in keys]


def trial(connection: Connection, prefix: str) -> TrialRow:
    """See `Store.trial`."""
    digits = prefix.lower()
    found: list[AnyRow] = []
    if re.fullmatch(r"[0-9a-f]*", digits):
        # "g" follows every hexadecimal digit: a range that the index of ids answers.
        statement = _TRIALS.where(trials.c.trial_id >= digits, trials.c.trial_id < digits + "g")
        found = list(connection.execute(statement.order_by(trials.c.trial_id).limit(_CANDIDATES + 1)))
    if not found:
        raise StoreError(f"no trial's id starts with {prefix!r}; ids are listed by `gridsearch top`")
    if len(found) > 1:
        names = ", ".join(row[0][: max(12, len(digits) + 4)] for row in found[:_CANDIDATES])
        more = ", ..." if len(found) > _CANDIDATES else ""
        raise StoreError(f"several trials' ids start with {prefix!r} ({names}{more}); give more digits")
    return _trial_row(found[0])
