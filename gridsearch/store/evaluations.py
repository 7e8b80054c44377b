"""Evaluations of trained trials on test images, each once and for good, and how fast their models answer."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from gridsearch.errors import StoreError
from gridsearch.spec.outcomes import RESULT_STATES, TrialState
from gridsearch.store.columns import to_json, to_text
from gridsearch.store.jobs import job_key
from gridsearch.store.journal import EVALUATED, Cause, log
from gridsearch.store.lookup import AnyRow, trial_keys
from gridsearch.store.rows import Evaluation, EvaluationRow, Latency, LatencyRow
from gridsearch.store.seals import seal
from gridsearch.store.tables import evaluations, job_trials, latencies, trials

#: The columns under an evaluation's seal.
SEALED = ("trial", "epoch", "loss", "confusion", "seconds", "at")
_EVALUATIONS = select(
    trials.c.trial_id,
    evaluations.c.epoch,
    evaluations.c.loss,
    evaluations.c.confusion,
    evaluations.c.seconds,
    evaluations.c.at,
).join_from(evaluations, trials)
_LATENCIES = select(
    trials.c.trial_id,
    latencies.c.device,
    latencies.c.batch_size,
    latencies.c.images,
    latencies.c.seconds,
    latencies.c.repeats,
    latencies.c.at,
).join_from(latencies, trials)


def put_evaluation(connection: Connection, evaluation: Evaluation, at: datetime) -> EvaluationRow:
    """See `Store.put_evaluation`."""
    trial = connection.execute(
        select(trials.c.id, trials.c.lineage, trials.c.state, trials.c.epochs).where(
            trials.c.trial_id == evaluation.trial_id
        )
    ).one_or_none()
    _check(evaluation, trial)
    assert trial is not None
    found = _row_of(connection, evaluation.trial_id)
    if found is not None:
        return found
    confusion = {"classes": list(evaluation.class_names), "counts": [list(row) for row in evaluation.confusion]}
    loss = evaluation.loss if evaluation.loss is not None and math.isfinite(evaluation.loss) else None
    sealed = (trial.id, evaluation.epoch, loss, to_json(confusion), float(evaluation.seconds), to_text(at))
    values: dict[str, Any] = dict(zip(SEALED, sealed, strict=True)) | {"confusion": confusion, "at": at}
    connection.execute(insert(evaluations).values(**values, seal=seal(*sealed)))
    cause = Cause(at)
    log(connection, cause, [cause.event(EVALUATED, trial.lineage, detail={"evaluated": evaluation.trial_id})])
    made = _row_of(connection, evaluation.trial_id)
    assert made is not None
    return made


def put_latencies(connection: Connection, measured: Collection[Latency], at: datetime) -> None:
    """See `Store.put_latencies`."""
    keys = trial_keys(connection, (one.trial_id for one in measured))
    for one in measured:
        if one.trial_id not in keys:
            raise StoreError(f"there is no trial {one.trial_id} in the store")
        same = (
            (latencies.c.trial == keys[one.trial_id])
            & (latencies.c.device == one.device)
            & (latencies.c.batch_size == one.batch_size)
        )
        connection.execute(delete(latencies).where(same))
        connection.execute(
            insert(latencies).values(
                trial=keys[one.trial_id],
                device=one.device,
                batch_size=one.batch_size,
                images=one.images,
                seconds=one.seconds,
                repeats=one.repeats,
                at=at,
            )
        )


def evaluations_of(connection: Connection, job: str | None) -> list[EvaluationRow]:
    """See `Store.evaluations`."""
    return [_evaluation(row) for row in connection.execute(_of_job(connection, _EVALUATIONS, job))]


def latencies_of(connection: Connection, job: str | None) -> list[LatencyRow]:
    """See `Store.latencies`."""
    statement = _of_job(connection, _LATENCIES, job).order_by(latencies.c.device, latencies.c.batch_size)
    return [LatencyRow(*row) for row in connection.execute(statement)]


def _of_job(connection: Connection, statement: Select[Any], job: str | None) -> Select[Any]:
    """Return the statement for a job's trials in the order of its grid, or for all trials, first come first."""
    if job is None:
        return statement.order_by(trials.c.id)
    key = job_key(connection, job)
    return (
        statement.join(job_trials, job_trials.c.trial == trials.c.id)
        .where(job_trials.c.job == key)
        .order_by(job_trials.c.position)
    )


def _row_of(connection: Connection, trial_id: str) -> EvaluationRow | None:
    row = connection.execute(_EVALUATIONS.where(trials.c.trial_id == trial_id)).one_or_none()
    return None if row is None else _evaluation(row)


def _evaluation(row: AnyRow) -> EvaluationRow:
    trial_id, epoch, loss, confusion, seconds, at = row
    counts = tuple(tuple(line) for line in confusion["counts"])
    return EvaluationRow(trial_id, epoch, loss, tuple(confusion["classes"]), counts, seconds, at)


def _check(evaluation: Evaluation, trial: AnyRow | None) -> None:
    name = f"trial {evaluation.trial_id[:12]}"
    if trial is None:
        raise StoreError(f"there is no {name} in the store")
    if trial.state not in RESULT_STATES - {TrialState.DIVERGED}:
        raise StoreError(f"{name} is {trial.state}: only a trial that was trained to its end can be evaluated")
    if fault := fault_of(evaluation, trial.epochs):
        raise StoreError(f"{name}: {fault}")


def fault_of(evaluation: Evaluation, epochs: int) -> str | None:
    """Return what is impossible about an evaluation of a trial of so many epochs, if anything."""
    classes = len(evaluation.class_names)
    if not 1 <= evaluation.epoch <= epochs:
        return f"it was evaluated with the weights of epoch {evaluation.epoch}, but has {epochs} epochs"
    if len(evaluation.confusion) != classes or any(len(row) != classes for row in evaluation.confusion):
        return f"its confusion matrix is not one of {classes} classes"
    if evaluation.images < 1 or any(count < 0 for row in evaluation.confusion for count in row):
        return "its confusion matrix counts no images"
    return None
