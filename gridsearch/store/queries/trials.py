"""Reading trials, lineages and counts; what is read is checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from gridsearch.config.events import TrialState
from gridsearch.config.metrics import METRICS, why_no_name
from gridsearch.errors import StoreError
from gridsearch.store.checked_tables import JOBS, LINEAGES, TRIALS, checked
from gridsearch.store.queries.grids import TRIALS_WITH_LINEAGES, check_grid, grid_rows
from gridsearch.store.queries.lookup import Values, batches, batches_in
from gridsearch.store.rows import LineageRow, TrialRow
from gridsearch.store.schema.columns import to_metrics, to_state, to_time
from gridsearch.store.schema.tables import job_trials, lineages, trials
from gridsearch.store.write.jobs import stored_job

#: How many trials an error names when a prefix is ambiguous.
_CANDIDATES = 4

_ALL_TRIALS = TRIALS_WITH_LINEAGES.order_by(trials.c.id)
_JOB_ID = JOBS.names.index("id")
_TRIAL_ID, _STATE, _ID = (TRIALS.names.index(name) for name in ("trial_id", "state", "id"))
#: The fields of a `TrialRow` in its order: of the trial, but for three, which are its lineage's.
_FIELDS = TrialRow._fields
_TRIAL = itemgetter(
    *(
        TRIALS.width + LINEAGES.names.index(name)
        if name in ("lineage_id", "parameters", "macs")
        else TRIALS.names.index("metrics" if name == "more" else name)
        for name in _FIELDS
    )
)
_STATE_FIELD, _END_FIELD, _MORE_FIELD = (_FIELDS.index(name) for name in ("state", "finished_at", "more"))
_NAME = LINEAGES.names.index("lineage_id")
_LINEAGE = itemgetter(
    *map(
        LINEAGES.names.index,
        ("lineage_id", "attempt", "epoch", "diverged_epoch", "launch", "stopped_epoch", "parameters", "macs"),
    )
)


def _trial_row(row: Values) -> TrialRow:
    """Return a row of `TRIALS_WITH_LINEAGES`, checked, as a trial."""
    values = [*_TRIAL(row)]
    values[_STATE_FIELD] = to_state(values[_STATE_FIELD])
    if (at := values[_END_FIELD]) is not None:
        values[_END_FIELD] = to_time(at)
    values[_MORE_FIELD] = to_metrics(values[_MORE_FIELD])
    return TrialRow._make(values)


def states(connection: Connection, trial_ids: Collection[str]) -> dict[str, TrialState]:
    """See `Store.states`."""
    rows = batches_in(connection, select(*TRIALS.columns), trials.c.trial_id, trial_ids)
    found = {row[_TRIAL_ID]: to_state(row[_STATE]) for row in checked(rows, TRIALS)}
    if not found.keys() >= set(trial_ids):
        TRIALS.check_all(connection)
    return found


def lineage_rows(connection: Connection, lineage_ids: Collection[str]) -> dict[str, LineageRow]:
    """See `Store.lineages`."""
    rows = batches_in(connection, select(*LINEAGES.columns), lineages.c.lineage_id, lineage_ids)
    found = {row[_NAME]: LineageRow._make(_LINEAGE(row)) for row in checked(rows, LINEAGES)}
    if not found.keys() >= set(lineage_ids):
        LINEAGES.check_all(connection)
    return found


def counts(connection: Connection, job: str) -> dict[TrialState, int]:
    """See `Store.counts`."""
    statement = (
        select(trials.c.state, func.count())
        .join_from(job_trials, trials)
        .where(job_trials.c.job == _checked_grid(connection, job))
        .group_by(trials.c.state)
    )
    found = {row[0]: row[1] for row in connection.execute(statement)}
    return {state: found[state] for state in TrialState if state in found}


def trials_of(connection: Connection, job: str | None) -> list[TrialRow]:
    """See `Store.trials`."""
    if job is not None:
        return [_trial_row(row) for row in grid_rows(connection, stored_job(connection, job))]
    return [_trial_row(row) for row in checked(batches(connection, _ALL_TRIALS), TRIALS, LINEAGES)]


def number_of_trials(connection: Connection) -> int:
    """See `Store.number_of_trials`."""
    return int(connection.execute(select(func.count()).select_from(trials)).scalar_one())


def trials_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, TrialRow]:
    """Return trials by their row numbers."""
    found = batches_in(connection, TRIALS_WITH_LINEAGES, trials.c.id, keys)
    return {row[_ID]: _trial_row(row) for row in checked(found, TRIALS, LINEAGES)}


def ranking(connection: Connection, job: str, metric: str, n: int, *, highest: bool) -> list[TrialRow]:
    """See `Store.ranking`."""
    value = _metric(metric)
    # Every trial has its say in which are the best, so all are checked.
    key = _checked_grid(connection, job)
    best = (
        select(trials.c.id)
        .join_from(job_trials, trials)
        .where(job_trials.c.job == key, value.isnot(None), trials.c.state != TrialState.DIVERGED)
        .order_by(value.desc() if highest else value, job_trials.c.position)
        .limit(max(n, 0))
    )
    keys = list(connection.scalars(best))
    found = trials_by_key(connection, keys)
    return [found[key] for key in keys]


def _metric(name: str) -> ColumnElement[Any]:
    """Return a metric of trials; NULL where one has none of that name."""
    if why := why_no_name(name):
        raise StoreError(f"there is no such metric to rank by: {why}")
    named = func.json_extract(trials.c.metrics, f"$.{name}")
    # What our own loop did not train has those, too, by name.
    return func.coalesce(trials.c[name], named) if name in METRICS else named


def trial(connection: Connection, prefix: str) -> TrialRow:
    """See `Store.trial`."""
    digits = prefix.lower()
    found: list[Values] = []
    if re.fullmatch(r"[0-9a-f]*", digits):
        # "g" follows every hexadecimal digit: a range that the index of ids answers.
        statement = TRIALS_WITH_LINEAGES.where(trials.c.trial_id >= digits, trials.c.trial_id < digits + "g")
        first = statement.order_by(trials.c.trial_id).limit(_CANDIDATES + 1)
        found = list(checked(batches(connection, first), TRIALS, LINEAGES))
    if not found:
        TRIALS.check_all(connection)
        raise StoreError(f"no trial's id starts with {prefix!r}; ids are listed by `gridsearch top`")
    if len(found) > 1:
        names = ", ".join(row[_TRIAL_ID][: max(12, len(digits) + 4)] for row in found[:_CANDIDATES])
        more = ", ..." if len(found) > _CANDIDATES else ""
        raise StoreError(f"several trials' ids start with {prefix!r} ({names}{more}); give more digits")
    return _trial_row(found[0])


def _checked_grid(connection: Connection, job: str) -> int:
    """Return a job's row number, its grid checked."""
    row = stored_job(connection, job)
    check_grid(connection, row)
    return int(row[_JOB_ID])
