"""Writing and reading jobs: a name, a specification and a grid of trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select

from gridsearch.config.events import TrialState
from gridsearch.config.identity import digest, grid_digest
from gridsearch.errors import StoreDamagedError, StoreError, nearest
from gridsearch.store.checked_tables import JOBS, LINEAGES, TRIALS
from gridsearch.store.queries.grids import check_members
from gridsearch.store.queries.keys import lineage_keys, trial_keys
from gridsearch.store.queries.lookup import AnyRow
from gridsearch.store.rows import JobRow, NewTrial
from gridsearch.store.schema.columns import storable, to_json, to_mapping, to_text, to_time
from gridsearch.store.schema.tables import events, job_trials, jobs, lineages, trials
from gridsearch.store.write.bulk import execute_many
from gridsearch.store.write.event_log import ENQUEUED, JOB_CREATED, JOB_REVISED, Cause, log_one
from gridsearch.store.write.finalize import finalize

_JOBS = select(*JOBS.columns)
_LAST_TOLD = select(func.max(events.c.job))
_NAME, _ID = JOBS.names.index("name"), JOBS.names.index("id")
_CHANGED = JOBS.names.index("changed")

_PENDING = str(TrialState.PENDING)
_ADD_MEMBERS = insert(job_trials)


@dataclass(frozen=True, slots=True)
class JobText:
    """What a job says, as `put_job` was given it."""

    name: str
    spec: Mapping[str, Any]
    source: str


def stored_job(connection: Connection, name: str) -> AnyRow:
    """Return a job's row, of `JOBS.columns`, checked; `StoreError` naming the nearest job when there is none."""
    row = connection.execute(_JOBS.where(jobs.c.name == name)).one_or_none()
    if row is None:
        names = [other[_NAME] for other in stored_jobs(connection)]
        hint = nearest(name, names) if names else "; the store holds no jobs yet"
        raise StoreError(f"there is no job {name!r} in the store{hint}")
    JOBS.check(row)
    return row


def stored_jobs(connection: Connection) -> Sequence[AnyRow]:
    """Return the rows of all jobs, of `JOBS.columns`, checked; none of those that the events tell of is missing."""
    rows = connection.execute(_JOBS.order_by(jobs.c.id)).fetchall()
    for row in rows:
        JOBS.check(row)
    told = connection.scalar(_LAST_TOLD) or 0
    if len(rows) != told:
        raise StoreDamagedError(f"there are {len(rows)} jobs, but the events tell of {told}")
    return rows


def job_key(connection: Connection, name: str) -> int:
    """Return a job's row number; `StoreError` naming the nearest job when there is none."""
    return int(stored_job(connection, name)[_ID])


def all_jobs(connection: Connection) -> list[JobRow]:
    """See `Store.jobs`."""
    rows = sorted(stored_jobs(connection), key=itemgetter(_CHANGED), reverse=True)
    return [_shown(row) for row in rows]


def job_row(connection: Connection, name: str) -> JobRow:
    """See `Store.job`."""
    return _shown(stored_job(connection, name))


def _shown(row: AnyRow) -> JobRow:
    told = JOBS.by_name(row)
    return JobRow(
        name=told["name"],
        revision=told["revision"],
        spec=to_mapping(told["spec"]),
        source=told["source"],
        created_at=to_time(told["created_at"]),
        updated_at=to_time(told["updated_at"]),
        grid=told["grid"],
    )


def put_job(connection: Connection, job: JobText, grid: Sequence[NewTrial], at: datetime) -> JobRow:
    """See `Store.put_job`."""
    members = list({trial.trial_id: trial for trial in grid}.values())
    ids = [trial.trial_id for trial in members]
    key, grid_changed = _put_text(connection, job, grid_digest(ids), at)
    if grid_changed:
        known = trial_keys(connection, ids)
        new = [trial for trial in members if trial.trial_id not in known]
        known |= _insert_trials(connection, new, Cause(at, job=key))
        connection.execute(delete(job_trials).where(job_trials.c.job == key))
        rows = ({"job": key, "position": place, "trial": known[name]} for place, name in enumerate(ids))
        execute_many(connection, _ADD_MEMBERS, rows)
    return job_row(connection, job.name)


def text_digest(name: str, spec: str, source: str) -> str:
    """Return the hash of what a job says, its `spec` as JSON; the event of its last change holds it."""
    return digest("\n".join((storable(name), spec, storable(source))))


def _put_text(connection: Connection, job: JobText, grid: str, at: datetime) -> tuple[int, bool]:
    """Insert or update the job's row; return its number and whether its grid is another one now."""
    found = connection.execute(_JOBS.where(jobs.c.name == job.name)).one_or_none()
    text = to_json(job.spec)
    values: dict[str, Any] = {"spec": text, "source": storable(job.source), "grid": grid}
    detail: dict[str, Any] = {"grid": grid, "text": text_digest(job.name, text, job.source)}
    if found is None:
        key, kind, revision = len(stored_jobs(connection)) + 1, JOB_CREATED, 1
        row = {"id": key, "name": storable(job.name), "revision": 1, "changed": 0}
        JOBS.insert(connection, [values | row | {"created_at": to_text(at), "updated_at": to_text(at)}])
        grid_changed = True
    else:
        JOBS.check(found)
        old = dict(zip(JOBS.names, found, strict=False))
        before = to_mapping(old["spec"])
        check_members(connection, found)
        if before == json.loads(text) and all(old[name] == values[name] for name in ("source", "grid")):
            return old["id"], False
        key, kind, revision = old["id"], JOB_REVISED, old["revision"] + 1
        detail["before"] = {"revision": old["revision"], "spec": before, "source": old["source"]}
        grid_changed = old["grid"] != grid
    cause = Cause(at, job=key)
    changed = log_one(connection, cause, cause.event(kind, detail={"revision": revision} | detail))
    values |= {"revision": revision, "updated_at": to_text(at), "changed": changed}
    JOBS.change(connection, [{"id": key} | values])
    return key, grid_changed


def _insert_trials(connection: Connection, new: Sequence[NewTrial], cause: Cause) -> dict[str, int]:
    """Insert trials as `pending`, settle those whose lineage has the answer, and return their row numbers."""
    if not new:
        return {}
    _check(new)
    enqueued = log_one(connection, cause, cause.event(ENQUEUED, detail={"trials": len(new)}))
    known = lineage_keys(connection, (trial.lineage_id for trial in new))
    fresh = [name for name in dict.fromkeys(trial.lineage_id for trial in new) if name not in known]
    # Numbers may be given out here, as nobody else can write meanwhile; asking for them afterwards takes longer.
    lineage_numbers = known | dict(zip(fresh, count(_next(connection, lineages)), strict=False))
    rows = ({"id": lineage_numbers[name], "lineage_id": name, "attempt": 0, "epoch": -1} for name in fresh)
    LINEAGES.insert(connection, rows)
    numbers = dict(zip((trial.trial_id for trial in new), count(_next(connection, trials)), strict=False))
    every = (
        {
            "id": numbers[trial.trial_id],
            "trial_id": trial.trial_id,
            "lineage": lineage_numbers[trial.lineage_id],
            "epochs": trial.epochs,
            "config": trial.config,
            "enqueued": enqueued,
            "state": _PENDING,
            "attempt": 0,
        }
        for trial in new
    )
    TRIALS.insert(connection, every)
    finalize(connection, known.values(), cause)
    return numbers


def _next(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.max(table.c.id))) or 0) + 1


def _check(new: Iterable[NewTrial]) -> None:
    for trial in new:
        if digest(trial.config) != trial.trial_id:
            raise StoreError(f"trial {trial.trial_id[:12]} is not the hash of its configuration; plan the job again")
