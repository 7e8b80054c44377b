"""Invariants of results: what trials and lineages say is what their epochs say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from gridsearch.spec.metrics import METRICS
from gridsearch.spec.outcomes import OPEN_STATES, RESULT_STATES, TrialState
from gridsearch.spec.readings import last_epoch
from gridsearch.store.lookup import as_stored, every
from gridsearch.store.replay import Replay
from gridsearch.store.rows import Problem
from gridsearch.store.settling import epoch_read, not_finite, total_seconds
from gridsearch.store.tables import epochs, lineages, trials

_METRICS_OF = attrgetter(*METRICS)
_NO_METRICS = (None,) * len(METRICS)


def results_are_recorded(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Epochs count from 0 on, finished trials have their numbers, and no open trial could be finished."""
    curves = groupby(
        every(connection, select(epochs).order_by(epochs.c.lineage, epochs.c.epoch)),
        key=attrgetter("lineage"),
    )
    by_lineage = {key: list(curve) for key, curve in curves}
    members: dict[int, list[Any]] = defaultdict(list)
    for row in every(connection, select(*as_stored(trials))):
        members[row.lineage].append(row)
    for row in connection.execute(select(lineages).order_by(lineages.c.id)):
        curve = by_lineage.get(row.id, [])
        yield from _check_lineage(row, curve, replay.diverged.get(row.id))
        if row.stopped_epoch != (told := replay.stopped.get(row.id)):
            text = f"it stopped after epoch {row.stopped_epoch}, but its events say {told}"
            yield Problem("epochs", f"lineage {row.lineage_id}", text)
        for trial in members[row.id]:
            for text in _trial_faults(trial, row, curve):
                yield Problem("result", f"trial {trial.trial_id}", text)


def _check_lineage(row: Any, curve: list[Any], told: int | None) -> Iterator[Problem]:
    subject = f"lineage {row.lineage_id}"
    if [epoch.epoch for epoch in curve] != list(range(row.epoch + 1)):
        text = f"its epochs should count from 0 to {row.epoch}, but there are {len(curve)}"
        yield Problem("epochs", subject, text)
    if any(not 1 <= epoch.attempt <= row.attempt for epoch in curve):
        yield Problem("epochs", subject, f"an epoch was recorded under none of its {row.attempt} attempts")
    first = min((epoch.epoch for epoch in curve if not_finite(epoch)), default=None)
    diverged = min((epoch for epoch in (first, told) if epoch is not None), default=None)
    if row.diverged_epoch != diverged:
        text = f"it diverged in epoch {row.diverged_epoch}, but its epochs and events say {diverged}"
        yield Problem("epochs", subject, text)


def _trial_faults(trial: Any, lineage: Any, curve: list[Any]) -> Iterator[str]:
    last = last_epoch(trial.epochs, lineage.stopped_epoch)
    own = curve[last] if last < len(curve) else None
    numbers: Any = None
    if trial.state in (TrialState.COMPLETED, TrialState.STOPPED):
        if own is None or not_finite(own):
            yield f"it is {trial.state}, but its last epoch is not recorded"
            return
        yield from _end_faults(trial, lineage, own)
        numbers = curve[epoch_read(trial.config, curve, last)]
    elif trial.state == TrialState.DIVERGED:
        last = trial.diverged_epoch
        if lineage.diverged_epoch is None or lineage.diverged_epoch > last:
            yield f"it diverged in epoch {last}, but its lineage did not"
        numbers = next((epoch for epoch in curve if epoch.epoch == last and not_finite(epoch)), None)
    elif trial.state in OPEN_STATES and _has_answer(trial, lineage):
        yield f"it is {trial.state}, but its lineage has the answer"
    said = _METRICS_OF(numbers) if numbers is not None else _NO_METRICS
    for name, found, told in zip(METRICS, _METRICS_OF(trial), said, strict=True):
        if found != told:
            yield f"its {name} is {found}, but its epoch says {told}"
    finished = trial.state in RESULT_STATES
    seconds = total_seconds(curve, last) if finished else None
    if trial.seconds != seconds:
        yield f"it took {trial.seconds} s, but its epochs took {seconds}"


def _end_faults(trial: Any, lineage: Any, own: Any) -> Iterator[str]:
    """Yield what is wrong with how a trial ended whose last epoch is `own`."""
    if trial.attempt != own.attempt:
        yield f"it was {trial.state} under attempt {own.attempt}, not {trial.attempt}"
    if trial.stopped_epoch != (own.epoch if own.epoch < trial.epochs else None):
        yield f"it stopped after epoch {trial.stopped_epoch}, its lineage after {lineage.stopped_epoch}"


def _has_answer(trial: Any, lineage: Any) -> bool:
    diverged = lineage.diverged_epoch is not None and trial.epochs >= lineage.diverged_epoch
    stopped = lineage.stopped_epoch is not None and trial.epochs > lineage.stopped_epoch
    return bool(trial.epochs <= lineage.epoch or diverged or stopped)
