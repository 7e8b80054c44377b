"""Writing and reading jobs: a name, a specification and a grid of trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from gridsearch.errors import StoreError, nearest
from gridsearch.spec.identity import digest
from gridsearch.spec.outcomes import TrialState
from gridsearch.store.bulk import execute_many
from gridsearch.store.columns import storable, to_json
from gridsearch.store.journal import ENQUEUED, JOB_CREATED, JOB_REVISED, Cause, log_one
from gridsearch.store.lookup import lineage_keys, trial_keys
from gridsearch.store.rows import JobRow, NewTrial
from gridsearch.store.settling import settle
from gridsearch.store.tables import job_trials, jobs, lineages, trials

_JOB = select(jobs.c.name, jobs.c.revision, jobs.c.spec, jobs.c.source, jobs.c.created_at, jobs.c.updated_at)

_PENDING = str(TrialState.PENDING)
_ADD_MEMBERS, _ADD_TRIALS, _ADD_LINEAGES = insert(job_trials), insert(trials), insert(lineages)


@dataclass(frozen=True, slots=True)
class JobText:
    """What a job says, as `put_job` was given it."""

    name: str
    spec: Mapping[str, Any]
    source: str


def job_key(connection: Connection, name: str) -> int:
    """Return a job's row number; `StoreError` naming the nearest job when there is none."""
    found = connection.scalar(select(jobs.c.id).where(jobs.c.name == name))
    if found is None:
        names = list(connection.scalars(select(jobs.c.name)))
        hint = nearest(name, names) if names else "; the store holds no jobs yet"
        raise StoreError(f"there is no job {name!r} in the store{hint}")
    return int(found)


def all_jobs(connection: Connection) -> list[JobRow]:
    """See `Store.jobs`."""
    return [JobRow(*row) for row in connection.execute(_JOB.order_by(jobs.c.changed.desc()))]


def job_row(connection: Connection, name: str) -> JobRow:
    """See `Store.job`."""
    return JobRow(*connection.execute(_JOB.where(jobs.c.id == job_key(connection, name))).one())


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
        rows = [{"job": key, "position": place, "trial": known[name]} for place, name in enumerate(ids)]
        execute_many(connection, _ADD_MEMBERS, rows)
    return job_row(connection, job.name)


def grid_digest(trial_ids: Iterable[str]) -> str:
    """Return the hash by which a job knows its grid: of the trials' ids, in order."""
    return digest("\n".join(trial_ids))


def text_digest(name: str, spec: str, source: str) -> str:
    """Return the hash of what a job says, its `spec` as JSON; the event of its last change holds it."""
    return digest("\n".join((storable(name), spec, storable(source))))


def _put_text(connection: Connection, job: JobText, grid: str, at: datetime) -> tuple[int, bool]:
    """Insert or update the job's row; return its number and whether its grid is another one now."""
    old = connection.execute(select(jobs).where(jobs.c.name == job.name)).one_or_none()
    spec = json.loads(to_json(job.spec))
    values: dict[str, Any] = {"spec": spec, "source": storable(job.source), "grid": grid}
    detail: dict[str, Any] = {"grid": grid, "text": text_digest(job.name, to_json(spec), job.source)}
    if old is None:
        row = {"name": job.name, "revision": 1, "created_at": at, "updated_at": at, "changed": 0}
        primary_key = connection.execute(insert(jobs).values(values | row)).inserted_primary_key
        assert primary_key is not None
        key, kind, revision = int(primary_key[0]), JOB_CREATED, 1
    elif all(old._mapping[name] == value for name, value in values.items()):
        return old.id, False
    else:
        key, kind, revision = old.id, JOB_REVISED, old.revision + 1
        detail["before"] = {"revision": old.revision, "spec": old.spec, "source": old.source}
    cause = Cause(at, job=key)
    changed = log_one(connection, cause, cause.event(kind, detail={"revision": revision} | detail))
    values |= {"revision": revision, "updated_at": at, "changed": changed}
    connection.execute(update(jobs).where(jobs.c.id == key).values(values))
    return key, old is None or old.grid != grid


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
    execute_many(connection, _ADD_LINEAGES, rows)
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
    execute_many(connection, _ADD_TRIALS, every)
    settle(connection, known.values(), cause)
    return numbers


def _next(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.max(table.c.id))) or 0) + 1


def _check(new: Iterable[NewTrial]) -> None:
    for trial in new:
        if digest(trial.config) != trial.trial_id:
            raise StoreError(f"trial {trial.trial_id[:12]} is not the hash of its configuration; plan the job again")
