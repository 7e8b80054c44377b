"""A job's grid as stored: its trials in order with their lineages, every row checked, none missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from gridsearch.errors import StoreDamagedError
from gridsearch.spec.identity import digest
from gridsearch.store.lookup import AnyRow, AnySelect, every
from gridsearch.store.sealed import JOBS, LINEAGES, TRIALS
from gridsearch.store.tables import job_trials, lineages, trials

#: A trial and its lineage: the columns of both tables, one after the other. Without its lineage a trial is damaged, and
#: not left out; so are others without what they refer to.
TRIALS_WITH_LINEAGES: AnySelect = select(*TRIALS.columns, *LINEAGES.columns).join_from(trials, lineages, isouter=True)
_TRIAL_ID = TRIALS.names.index("trial_id")
_JOB_ID, _JOB_NAME, _JOB_GRID = (JOBS.names.index(name) for name in ("id", "name", "grid"))
#: Under this name a connection knows which jobs' grids it has checked, and in which state of the file.
_CHECKED = "checked grids"


def grid_digest(trial_ids: Iterable[str]) -> str:
    """Return the hash by which a job knows its grid: of the trials' ids, in order."""
    return digest("\n".join(trial_ids))


def checked_trials(rows: Iterable[AnyRow]) -> Iterator[AnyRow]:
    """Yield rows of `TRIALS_WITH_LINEAGES` that are what was written."""
    width, check_trial, check_lineage = TRIALS.width, TRIALS.check, LINEAGES.check
    for row in rows:
        check_trial(row)
        check_lineage(row, width)
        yield row


def grid_rows(connection: Connection, job: AnyRow) -> Iterator[AnyRow]:
    """Yield the rows, of `TRIALS_WITH_LINEAGES`, of a job's grid in order; the job as a checked row of `JOBS`."""
    statement = (
        TRIALS_WITH_LINEAGES.join(job_trials, job_trials.c.trial == trials.c.id)
        .where(job_trials.c.job == job[_JOB_ID])
        .order_by(job_trials.c.position)
    )
    found = []
    for row in checked_trials(every(connection, statement)):
        found.append(row[_TRIAL_ID])
        yield row
    if grid_digest(found) != job[_JOB_GRID]:
        raise StoreDamagedError(f"the trials of job {job[_JOB_NAME]} are not those of its grid")
    _checked(connection).add(job[_JOB_ID])


def check_grid(connection: Connection, job: AnyRow) -> None:
    """Refuse a job, a checked row of `JOBS`, whose grid is not what was written.

    What this connection has checked stays checked until another one changes the file: its own changes begin with a
    check of what they change.
    """
    if job[_JOB_ID] not in _checked(connection):
        for _ in grid_rows(connection, job):
            pass


def _checked(connection: Connection) -> set[int]:
    version = connection.exec_driver_sql("PRAGMA data_version").scalar()
    known: tuple[object, set[int]] = connection.info.setdefault(_CHECKED, (version, set()))
    if known[0] != version:
        known = connection.info[_CHECKED] = (version, set())
    return known[1]
