"""A job's grid as stored: its trials in order with their lineages, every row checked, none missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, select

from gridsearch.config.identity import grid_digest
from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import JOBS, LINEAGES, TRIALS, checked
from gridsearch.store.queries.known_grids import STANDINGS, known_grids, standing
from gridsearch.store.queries.lookup import AnySelect, Values, batches
from gridsearch.store.schema.tables import job_trials, lineages, trials

#: A trial and its lineage: the columns of both tables, one after the other. Without its lineage a trial is damaged, and
#: not left out; so are others without what they refer to.
TRIALS_WITH_LINEAGES: AnySelect = select(*TRIALS.columns, *LINEAGES.columns).join_from(trials, lineages, isouter=True)
_TRIALS: AnySelect = select(*TRIALS.columns)
_IDS: AnySelect = select(trials.c.trial_id)
_TRIAL_ID = TRIALS.names.index("trial_id")
_JOB_ID, _JOB_NAME, _JOB_GRID = (JOBS.names.index(name) for name in ("id", "name", "grid"))


def grid_rows(connection: Connection, job: Sequence[Any]) -> Iterator[Values]:
    """Yield the rows, of `TRIALS_WITH_LINEAGES`, of a job's grid in order; the job as a checked row of `JOBS`."""
    found = []
    for row in checked(batches(connection, _in_order(TRIALS_WITH_LINEAGES, job)), TRIALS, LINEAGES):
        found.append(row[_TRIAL_ID])
        yield row
    _compare(job, found)
    known_grids(connection).sound.add(job[_JOB_ID])


def lineages_of_job(job: int, told: ColumnElement[Any]) -> Subquery:
    """Return the lineages of a job's trials, by row numbers, each with what an aggregate tells of these trials."""
    members = select(trials.c.lineage, told).join_from(job_trials, trials).where(job_trials.c.job == job)
    return members.group_by(trials.c.lineage).subquery()


def check_grid(connection: Connection, job: Sequence[Any]) -> None:
    """Refuse a job, a checked row of `JOBS`, of whose grid a trial is not what was written.

    What this connection has checked stays checked until another one changes the file. Of the lineages nothing is looked
    at.
    """
    known, key = known_grids(connection), job[_JOB_ID]
    if key in known.sound:
        return
    if known.standings.get(key) is not None:
        now = [row for batch in batches(connection, _in_order(STANDINGS, job)) for row in batch]
        if known.is_as_it_was(connection, key, now):
            return
    ids: list[str] = []
    standings: list[Values] = []
    again = key in known.standings  # most commands look once, and need not gather anything
    for batch in batches(connection, _in_order(_TRIALS, job)):
        TRIALS.check_batch(batch)
        ids.extend(row[_TRIAL_ID] for row in batch)
        if again:
            standings.extend(map(standing, batch))
    _compare(job, ids)
    known.keep(key, standings)


def check_members(connection: Connection, job: Sequence[Any]) -> None:
    """Refuse a job, a checked row of `JOBS`, whose trials are not those of its grid; only their ids are looked at.

    For whoever reads which trials are a job's, and checks those that it goes on with.
    """
    if job[_JOB_ID] not in known_grids(connection).sound:
        _compare(job, [row[0] for batch in batches(connection, _in_order(_IDS, job)) for row in batch])


def _in_order(statement: AnySelect, job: Sequence[Any]) -> AnySelect:
    """Return the statement, of trials, for those of a job in the order of its grid."""
    members = statement.join(job_trials, job_trials.c.trial == trials.c.id)
    return members.where(job_trials.c.job == job[_JOB_ID]).order_by(job_trials.c.position)


def _compare(job: Sequence[Any], trial_ids: Iterable[Any]) -> None:
    if grid_digest(map(str, trial_ids)) != job[_JOB_GRID]:
        raise StoreDamagedError(f"the trials of job {job[_JOB_NAME]} are not those of its grid")
