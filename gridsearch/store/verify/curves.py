"""Invariants of results: what trials and lineages say is what their epochs say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from gridsearch.config.events import OPEN_STATES, RESULT_STATES, TrialState
from gridsearch.config.metrics import METRICS
from gridsearch.config.trial_epoch import last_epoch
from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import EPOCHS
from gridsearch.store.queries.lookup import AnySelect, Values, batches
from gridsearch.store.rows import Problem
from gridsearch.store.schema.tables import epochs, lineages, trials
from gridsearch.store.verify.replay import Replay
from gridsearch.store.write.finalize import epoch_read, not_finite, total_seconds

#: What a trial has as its epoch has it.
_SAME = (*METRICS, "metrics")
_SAME_OF = attrgetter(*_SAME)
_NOTHING = (None,) * len(_SAME)


class _Lineage(NamedTuple):
    id: int
    lineage_id: str
    attempt: int
    epoch: int
    diverged_epoch: int | None
    stopped_epoch: int | None


class _Trial(NamedTuple):
    trial_id: str
    epochs: int
    config: str
    state: str
    attempt: int
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    diverged_epoch: int | None
    stopped_epoch: int | None
    seconds: float | None
    metrics: str | None


class _Epoch(NamedTuple):
    epoch: int
    attempt: int
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float | None
    seconds: float
    metrics: str | None


class _Curve(NamedTuple):
    """The epochs of a lineage, ascending, column by column: what `_Epoch` has of each."""

    epoch: tuple[int, ...] = ()
    attempt: tuple[int, ...] = ()
    train_loss: tuple[float | None, ...] = ()
    train_accuracy: tuple[float | None, ...] = ()
    val_loss: tuple[float | None, ...] = ()
    val_accuracy: tuple[float | None, ...] = ()
    learning_rate: tuple[float | None, ...] = ()
    seconds: tuple[float, ...] = ()
    metrics: tuple[str | None, ...] = ()

    def at(self, place: int) -> _Epoch:
        return _Epoch._make(column[place] for column in self)

    @property
    def lost(self) -> list[_Epoch]:
        """Return the epochs with a loss that was not finite."""
        if None not in self.train_loss and None not in self.val_loss and None not in self.learning_rate:
            return []
        return [epoch for epoch in map(self.at, range(len(self.epoch))) if not_finite(epoch)]


_FIRST = itemgetter(0)
_WIDTH = len(_Lineage._fields)
_EPOCHS: AnySelect = select(*EPOCHS.columns).order_by(epochs.c.lineage, epochs.c.epoch)
_LINEAGE_OF_EPOCH = itemgetter(EPOCHS.names.index("lineage"))
_COLUMNS = EPOCHS.picker(_Curve._fields)
#: Each lineage with its trials, as stored: as often as it has any, and once where it has none.
_LINEAGES: AnySelect = (
    select(*(lineages.c[name] for name in _Lineage._fields), *(trials.c[name] for name in _Trial._fields))
    .join_from(lineages, trials, trials.c.lineage == lineages.c.id, isouter=True)
    .order_by(lineages.c.id, trials.c.id)
)


class EpochsDamagedError(StoreDamagedError):
    """An epoch is not what was written."""


def results_are_recorded(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Epochs count from 0 on, finished trials have their numbers, and no open trial could be finished.

    Every epoch is read, and its checksum compared; `EpochsDamagedError` where one is not what was written: what was
    found until then is of no account.
    """
    rows = chain.from_iterable(_checked_epochs(connection))
    yield from _check_results(connection, replay, _Curves(rows))
    for _ in rows:  # those of lineages that are not there
        pass


def _checked_epochs(connection: Connection) -> Iterator[list[Values]]:
    for batch in batches(connection, _EPOCHS):
        try:
            EPOCHS.check_batch(batch)
        except StoreDamagedError as error:
            raise EpochsDamagedError(str(error)) from None
        yield batch


def _check_results(connection: Connection, replay: Replay, curves: _Curves) -> Iterator[Problem]:
    # Both in the order of the lineages, and read side by side: all epochs at once may be more than the memory holds.
    for key, rows in groupby(chain.from_iterable(batches(connection, _LINEAGES)), key=_FIRST):
        found = list(rows)
        row, curve = _Lineage._make(found[0][:_WIDTH]), curves.of(key)
        yield from _check_lineage(row, curve, replay.diverged.get(row.id))
        if row.stopped_epoch != (told := replay.stopped.get(row.id)):
            text = f"it stopped after epoch {row.stopped_epoch}, but its events say {told}"
            yield Problem("epochs", f"lineage {row.lineage_id}", text)
        for values in found:
            if values[_WIDTH] is not None:
                trial = _Trial._make(values[_WIDTH:])
                for fault in _trial_faults(trial, row, curve):
                    yield Problem("result", f"trial {trial.trial_id}", fault)


class _Curves:
    """The epochs of lineages that are asked for in ascending order, given in that order."""

    def __init__(self, rows: Iterator[Values]) -> None:
        self._groups = groupby(rows, key=_LINEAGE_OF_EPOCH)
        self._next = next(self._groups, None)

    def of(self, lineage: int) -> _Curve:
        while self._next is not None and self._next[0] < lineage:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != lineage:
            return _Curve()
        return _Curve._make(_COLUMNS(tuple(zip(*self._next[1], strict=True))))


def _check_lineage(row: _Lineage, curve: _Curve, told: int | None) -> Iterator[Problem]:
    subject = f"lineage {row.lineage_id}"
    if curve.epoch != tuple(range(row.epoch + 1)):
        text = f"its epochs should count from 0 to {row.epoch}, but there are {len(curve.epoch)}"
        yield Problem("epochs", subject, text)
    if any(not 1 <= attempt <= row.attempt for attempt in set(curve.attempt)):
        yield Problem("epochs", subject, f"an epoch was recorded under none of its {row.attempt} attempts")
    first = min((epoch.epoch for epoch in curve.lost), default=None)
    diverged = min((epoch for epoch in (first, told) if epoch is not None), default=None)
    if row.diverged_epoch != diverged:
        text = f"it diverged in epoch {row.diverged_epoch}, but its epochs and events say {diverged}"
        yield Problem("epochs", subject, text)


def _trial_faults(trial: Any, lineage: _Lineage, curve: _Curve) -> Iterator[str]:
    last = last_epoch(trial.epochs, lineage.stopped_epoch)
    own = curve.at(last) if last < len(curve.epoch) else None
    numbers: Any = None
    if trial.state in (TrialState.COMPLETED, TrialState.STOPPED):
        if own is None or not_finite(own):
            yield f"it is {trial.state}, but its last epoch is not recorded"
            return
        yield from _end_faults(trial, lineage, own)
        numbers = curve.at(epoch_read(trial.config, curve.val_loss, last))
    elif trial.state == TrialState.DIVERGED:
        last = trial.diverged_epoch
        if lineage.diverged_epoch is None or lineage.diverged_epoch > last:
            yield f"it diverged in epoch {last}, but its lineage did not"
        numbers = next((epoch for epoch in curve.lost if epoch.epoch == last), None)
    elif trial.state in OPEN_STATES and _has_answer(trial, lineage):
        yield f"it is {trial.state}, but its lineage has the answer"
    said = _SAME_OF(numbers) if numbers is not None else _NOTHING
    for name, found, told in zip(_SAME, _SAME_OF(trial), said, strict=True):
        if found != told:
            yield f"its {name} is {found}, but its epoch says {told}"
    finished = trial.state in RESULT_STATES
    seconds = total_seconds(curve.epoch, curve.seconds, last) if finished else None
    if trial.seconds != seconds:
        yield f"it took {trial.seconds} s, but its epochs took {seconds}"


def _end_faults(trial: Any, lineage: _Lineage, own: _Epoch) -> Iterator[str]:
    """Yield what is wrong with how a trial ended whose last epoch is `own`."""
    if trial.attempt != own.attempt:
        yield f"it was {trial.state} under attempt {own.attempt}, not {trial.attempt}"
    if trial.stopped_epoch != (own.epoch if own.epoch < trial.epochs else None):
        yield f"it stopped after epoch {trial.stopped_epoch}, its lineage after {lineage.stopped_epoch}"


def _has_answer(trial: Any, lineage: _Lineage) -> bool:
    diverged = lineage.diverged_epoch is not None and trial.epochs >= lineage.diverged_epoch
    stopped = lineage.stopped_epoch is not None and trial.epochs > lineage.stopped_epoch
    return bool(trial.epochs <= lineage.epoch or diverged or stopped)
