"""Evaluations of trained trials on test images, each once and for good, and how fast their models answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, text

from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store.checked_tables import EVALUATIONS, JOBS, LATENCIES, TRIALS
from gridsearch.store.queries.grids import check_members
from gridsearch.store.queries.keys import trial_keys
from gridsearch.store.queries.lookup import AnyRow, AnySelect
from gridsearch.store.rows import Evaluation, EvaluationRow, Latency, LatencyRow
from gridsearch.store.schema.columns import storable, to_json, to_mapping, to_text, to_time
from gridsearch.store.schema.tables import evaluations, events, job_trials, latencies, trials
from gridsearch.store.write.event_log import EVALUATED, Cause, log
from gridsearch.store.write.jobs import stored_job

_EVALUATIONS: AnySelect = select(*EVALUATIONS.columns, *TRIALS.columns).join_from(evaluations, trials, isouter=True)
_LATENCIES: AnySelect = select(*LATENCIES.columns, *TRIALS.columns).join_from(latencies, trials, isouter=True)
#: Matrices of up to so many classes are stored whole.
MOST_WHOLE = 50
#: A confusion matrix: a row for each true class.
Counts = tuple[tuple[int, ...], ...]
_JOB_ID = JOBS.names.index("id")
_HELD = select(func.count()).select_from(evaluations)
#: Literally the condition of the index of such events, which is small.
_TOLD = select(func.count()).select_from(events).where(text("kind = 'evaluated'"))


def put_evaluation(connection: Connection, evaluation: Evaluation, at: datetime) -> EvaluationRow:
    """See `Store.put_evaluation`."""
    trial = _scored_trial(connection, evaluation)
    found = _row_of(connection, evaluation.trial_id)
    if found is not None:
        return _with_correct(connection, trial.id, found, evaluation)
    confusion = {"classes": list(evaluation.class_names)} | _stored_counts(evaluation.confusion)
    if not evaluation.confusion:
        confusion["examples"] = evaluation.examples
    if evaluation.metrics:
        confusion["metrics"] = {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in evaluation.metrics.items()
        }
    loss = evaluation.loss if evaluation.loss is not None and math.isfinite(evaluation.loss) else None
    values: dict[str, Any] = {"epoch": evaluation.epoch, "loss": loss, "confusion": to_json(confusion)}
    values |= {"seconds": evaluation.seconds, "correct": evaluation.correct or None}
    EVALUATIONS.insert(connection, [values | {"trial": trial.id, "at": to_text(at)}])
    cause = Cause(at)
    log(connection, cause, [cause.event(EVALUATED, trial.lineage, detail={"evaluated": evaluation.trial_id})])
    made = _row_of(connection, evaluation.trial_id)
    assert made is not None
    return made


def _with_correct(connection: Connection, trial: int, found: EvaluationRow, again: Evaluation) -> EvaluationRow:
    """Return the evaluation recorded before, to which the same one made again adds the images that were right.

    Stores of versions that did not keep these lack them.
    """
    known = found.correct or (found.epoch, found.confusion) != (again.epoch, again.confusion)
    if known or not again.correct:
        return found
    (row,) = connection.execute(select(*EVALUATIONS.columns).where(evaluations.c.trial == trial))
    connection.execute(delete(evaluations).where(evaluations.c.trial == trial))
    EVALUATIONS.insert(connection, [EVALUATIONS.by_name(row) | {"correct": again.correct}])
    return replace(found, correct=again.correct)


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
        values = {"trial": keys[one.trial_id], "device": storable(one.device), "batch_size": one.batch_size}
        values |= {"images": one.images, "seconds": one.seconds, "repeats": one.repeats, "at": to_text(at)}
        LATENCIES.insert(connection, [values])


def evaluations_of(connection: Connection, job: str | None) -> list[EvaluationRow]:
    """See `Store.evaluations`."""
    EVALUATIONS.check_all(connection)
    _count(connection)
    return [_evaluation(row) for row in connection.execute(_of_job(connection, _EVALUATIONS, job))]


def latencies_of(connection: Connection, job: str | None) -> list[LatencyRow]:
    """See `Store.latencies`."""
    LATENCIES.check_all(connection)
    statement = _of_job(connection, _LATENCIES, job).order_by(latencies.c.device, latencies.c.batch_size)
    return [_latency(row) for row in connection.execute(statement)]


def _count(connection: Connection) -> None:
    held, told = connection.scalar(_HELD), connection.scalar(_TOLD)
    if held != told:
        raise StoreDamagedError(f"there are {held} evaluations, but the events tell of {told}")


def _of_job(connection: Connection, statement: AnySelect, job: str | None) -> AnySelect:
    """Return the statement for a job's trials in the order of its grid, or for all trials, first come first."""
    if job is None:
        return statement.order_by(trials.c.id)
    row = stored_job(connection, job)
    check_members(connection, row)
    return (
        statement.join(job_trials, job_trials.c.trial == trials.c.id)
        .where(job_trials.c.job == row[_JOB_ID])
        .order_by(job_trials.c.position)
    )


def _row_of(connection: Connection, trial_id: str) -> EvaluationRow | None:
    row = connection.execute(_EVALUATIONS.where(trials.c.trial_id == trial_id)).one_or_none()
    return None if row is None else _evaluation(row)


def unchecked_evaluations(connection: Connection) -> list[EvaluationRow]:
    """Return all evaluations, for `verify`, which has looked at their checksums and at those of the trials."""
    return [_shown(row) for row in connection.execute(_EVALUATIONS)]


def _evaluation(row: AnyRow) -> EvaluationRow:
    EVALUATIONS.check(row)
    TRIALS.check(row, EVALUATIONS.width)
    return _shown(row)


def _shown(row: AnyRow) -> EvaluationRow:
    own, trial = EVALUATIONS.by_name(row), TRIALS.by_name(row, EVALUATIONS.width)
    told = to_mapping(own["confusion"])
    return EvaluationRow(
        trial_id=trial["trial_id"],
        epoch=own["epoch"],
        loss=own["loss"],
        class_names=tuple(told["classes"]),
        confusion=_shown_counts(told),
        seconds=own["seconds"],
        examples=told.get("examples", 0),
        metrics=told.get("metrics", {}),
        correct=own["correct"] or b"",
        at=to_time(own["at"]),
    )


def _stored_counts(confusion: Counts) -> dict[str, Any]:
    """Return a confusion matrix as it is stored: of many classes only what is not zero, row, column and count."""
    if len(confusion) <= MOST_WHOLE:
        return {"counts": [list(row) for row in confusion]}
    cells = ([i, j, count] for i, row in enumerate(confusion) if any(row) for j, count in enumerate(row) if count)
    return {"cells": list(cells)}


def _shown_counts(told: Mapping[str, Any]) -> Counts:
    """Return the confusion matrix that is stored so."""
    if "counts" in told:
        return tuple(tuple(line) for line in told["counts"])
    classes = len(told["classes"])
    rows = [[0] * classes for _ in range(classes)]
    for i, j, count in told["cells"]:
        rows[i][j] = count
    return tuple(map(tuple, rows))


def _latency(row: AnyRow) -> LatencyRow:
    LATENCIES.check(row)
    TRIALS.check(row, LATENCIES.width)
    own, trial = LATENCIES.by_name(row), TRIALS.by_name(row, LATENCIES.width)
    return LatencyRow(
        trial_id=trial["trial_id"],
        device=own["device"],
        batch_size=own["batch_size"],
        images=own["images"],
        seconds=own["seconds"],
        repeats=own["repeats"],
        at=to_time(own["at"]),
    )


class _Trial(NamedTuple):
    id: int
    lineage: int
    state: str
    epochs: int


_TRIAL = TRIALS.picker(_Trial._fields)


def _scored_trial(connection: Connection, evaluation: Evaluation) -> _Trial:
    """Return the trial that was evaluated; `StoreError` where the evaluation cannot be one of it."""
    name = f"trial {evaluation.trial_id[:12]}"
    row = connection.execute(select(*TRIALS.columns).where(trials.c.trial_id == evaluation.trial_id)).one_or_none()
    if row is None:
        raise StoreError(f"there is no {name} in the store")
    TRIALS.check(row)
    trial = _Trial._make(_TRIAL(row))
    if trial.state not in RESULT_STATES - {TrialState.DIVERGED}:
        raise StoreError(f"{name} is {trial.state}: only a trial that was trained to its end can be evaluated")
    if fault := fault_of(evaluation, trial.epochs):
        raise StoreError(f"{name}: {fault}")
    return trial


def fault_of(evaluation: Evaluation, epochs: int) -> str | None:
    """Return what is impossible about an evaluation of a trial of so many epochs, if anything."""
    classes = len(evaluation.class_names)
    if not 1 <= evaluation.epoch <= epochs:
        return f"it was evaluated with the weights of epoch {evaluation.epoch}, but has {epochs} epochs"
    if not evaluation.confusion:
        if evaluation.correct:
            return "it has images right, but no classes"
        return None if evaluation.examples >= 1 else "it counts no examples"
    if len(evaluation.confusion) != classes or any(len(row) != classes for row in evaluation.confusion):
        return f"its confusion matrix is not one of {classes} classes"
    if evaluation.images < 1 or any(min(row) < 0 for row in evaluation.confusion):
        return "its confusion matrix counts no images"
    return _fault_of_correct(evaluation) if evaluation.correct else None


def _fault_of_correct(evaluation: Evaluation) -> str | None:
    """Return what is impossible about the images that an evaluation has right."""
    images, right = evaluation.images, int.from_bytes(evaluation.correct)
    if len(evaluation.correct) != -(-images // 8) or right & ((1 << -images % 8) - 1):
        return f"the images that it has right are not among its {images:,}"
    counted = sum(row[label] for label, row in enumerate(evaluation.confusion))
    if right.bit_count() != counted:
        return f"it has {right.bit_count():,} images right, but {counted:,} by its confusion matrix"
    return None
