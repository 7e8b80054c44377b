"""Calling a training function: what it reports as a stream of events, as our own training loop gives one.

The function runs in a coroutine of its own (`greenlet`) on this thread: `report` hands over to whoever reads the
events, who hands back. So signals, debuggers and libraries find it in the main thread, and nobody waits for another
thread to notice a stop.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from greenlet import getcurrent, greenlet

from gridsearch.config.early_stopping import stopping_epoch
from gridsearch.config.events import (
    EpochMetrics,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineageStopped,
)
from gridsearch.config.metrics import is_loss
from gridsearch.config.own_training import OwnConfig
from gridsearch.errors import TrialError
from gridsearch.models.seeding import seed_everything
from gridsearch.training.checkpoints import Checkpoint, CheckpointFolder
from gridsearch.training.loop.blame import of_the_world
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.own.function import imported
from gridsearch.training.own.numbers import checked_metrics
from gridsearch.training.own.saved_state import GlobalGenerators, State, restore_state, state_of
from gridsearch.training.own.trial import Trial, TrialStopped
from gridsearch.user_code import told


@dataclass(frozen=True)
class OwnContext:
    """Where a training function is called: folders, a device, and how to learn to stop."""

    checkpoints: Path
    search: tuple[Path, ...]
    device: str = "cpu"
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class _Report:
    """An epoch as it was reported."""

    epoch: int
    metrics: dict[str, float]
    state: State | None
    seconds: float


@dataclass(frozen=True)
class _End:
    """How a call ended: by returning metrics, because it was to end, or by an error."""

    metrics: dict[str, float] = field(default_factory=dict)
    error: BaseException | None = None


class _CalledTrial(Trial):
    """A trial that is being trained: what it reports goes to the reader of its events."""

    def __init__(self, task: LineageTask, device: str, checkpoint: Checkpoint | None) -> None:
        super().__init__(task.config.settings(), id=task.lineage_id, device=device)
        #: The checkpoint that it goes on from.
        self.resumed: Checkpoint | None = None
        #: Whether it is to end: every report says so.
        self.ending = False
        self._checkpoint = checkpoint
        self._since = time.perf_counter()

    def restore(self, *objects: Any) -> int:
        if self._last is not None:
            raise TrialError("restore was called after report; call it once, before the first epoch")
        if self._checkpoint is None or not objects:
            return 0
        restore_state(self._checkpoint.tensors, [*objects, GlobalGenerators()])
        self.resumed, self._last = self._checkpoint, self._checkpoint.epoch
        return self._checkpoint.epoch

    def _reported(self, epoch: int, metrics: dict[str, float], save: Sequence[Any] | None) -> None:
        if self.ending:
            raise TrialStopped
        state = None if save is None else state_of([*save, GlobalGenerators()])
        now = time.perf_counter()
        reader = getcurrent().parent
        assert reader
        reader.switch(_Report(epoch, metrics, state, now - self._since))
        self._since = time.perf_counter()
        if self.ending:
            raise TrialStopped


class _Call:
    """A call of a training function, in a coroutine."""

    def __init__(self, function: Callable[[Trial], Any], trial: _CalledTrial) -> None:
        self._function, self.trial = function, trial
        self._greenlet = greenlet(self._run)
        self._begun = False

    def go_on(self, *, ending: bool = False) -> _Report | _End:
        """Return what it reports next, or how it ended; `ending` is to end it."""
        self._greenlet.parent = getcurrent()
        self.trial.ending, self._begun = ending, True
        answer = self._greenlet.switch()
        assert isinstance(answer, (_Report, _End))
        return answer

    def leave(self) -> None:
        """Unwind it, if it has not ended; whatever it does about that is its own affair."""
        if self._begun and not self._greenlet.dead:
            self.go_on(ending=True)

    def _run(self) -> _End:
        try:
            returned = self._function(self.trial)
            if returned is not None and not isinstance(returned, Mapping):
                raise TrialError(
                    f"it returned {type(returned).__name__}; return nothing, or numbers by name: {{'test_f1': 0.9}}"
                )
            return _End(checked_metrics(returned or {}))
        except TrialStopped:
            return _End()
        except BaseException as error:
            if of_the_world(error):
                raise
            return _End(error=error)


def own_events(task: LineageTask, context: OwnContext) -> Iterator[LineageEvent]:
    """Yield what happens to a lineage whose training is a function of the user's, until it ends or a stop.

    An epoch is yielded when the next is reported or the function returns: what it returns belongs to the last. Raises
    `StorageError` where a checkpoint cannot be written.
    """
    config = task.config
    assert isinstance(config, OwnConfig)
    told_of = _Told(task, config)
    folder = CheckpointFolder(context.checkpoints, task.lineage_id, task.attempt)
    checkpoint = folder.load()
    if checkpoint and checkpoint.epoch > config.epochs:
        yield from told_of.all_of(checkpoint)
        return
    try:
        function = imported(config.model, context.search, config.model_code)
    except BaseException as error:
        if of_the_world(error):
            raise
        yield _failed(task, error)
        return
    seed_everything(config.seed)
    trial = _CalledTrial(task, context.device, checkpoint)
    call = _Call(function, trial)
    try:
        yield from _events_of(call, told_of, folder, context)
    finally:
        call.leave()


def _events_of(call: _Call, told_of: _Told, folder: CheckpointFolder, context: OwnContext) -> Iterator[LineageEvent]:
    answer = call.go_on()
    if resumed := call.trial.resumed:
        told_of.take_over(resumed)
    while isinstance(answer, _Report):
        yield from told_of.report(answer)
        if answer.state is not None and not told_of.ended:
            folder.save(answer.state, told_of.history, last=answer.epoch == told_of.config.epochs)
        if context.stop():
            return
        answer = call.go_on(ending=told_of.ended)
    yield from told_of.end(answer)


class _Told:
    """The history of a lineage as it is reported, and what of it has been told."""

    def __init__(self, task: LineageTask, config: OwnConfig) -> None:
        self.task, self.config = task, config
        self.history: list[EpochMetrics] = []
        self._next = task.recorded_epoch + 1
        self._diverged = self._stopped = False
        self._problem: TrialError | None = None

    @property
    def ended(self) -> bool:
        """Whether the training is to end now: it diverged, or stopped early."""
        return self._diverged or self._stopped or self._problem is not None

    def take_over(self, checkpoint: Checkpoint) -> None:
        """Begin with the epochs of a checkpoint."""
        known = [record for record in checkpoint.history if isinstance(record, EpochMetrics)]
        self.history = [replace(record, attempt=self.task.attempt) for record in known]

    def all_of(self, checkpoint: Checkpoint) -> Iterator[LineageEvent]:
        """Tell a training to its end that a checkpoint is beyond: it was asked for more epochs then."""
        self.take_over(checkpoint)
        del self.history[self.config.epochs + 1 :]
        yield from self._tell(len(self.history))
        yield LineageFinished(self.task.lineage_id, self.task.attempt)

    def report(self, report: _Report) -> Iterator[LineageEvent]:
        """Take in an epoch, and tell those before it; one that diverged itself, too."""
        self._fill(report.epoch)
        self.history.append(self._epoch(report.epoch, report.metrics, report.seconds))
        self._diverged = any(is_loss(name) and not abs(value) < float("inf") for name, value in report.metrics.items())
        if not self._diverged:
            self._look_whether_to_stop()
        yield from self._tell(len(self.history) - (not self._diverged))

    def end(self, end: _End) -> Iterator[LineageEvent]:
        """Tell how the training ended."""
        key, attempt = self.task.lineage_id, self.task.attempt
        if self._diverged:
            yield LineageDiverged(key, attempt, len(self.history) - 1)
            return
        if error := self._problem or end.error:
            # The last epoch of all completes its trial, which is not to be.
            yield from self._tell(min(len(self.history), self.config.epochs))
            yield _failed(self.task, error)
            return
        if end.metrics and len(self.history) < 2:
            self._fill(self.config.epochs + 1)
        if len(self.history) < 2:
            yield _failed(self.task, TrialError("the training ended without a report, and returned no metrics"))
            return
        last = self.history[-1]
        self.history[-1] = replace(last, metrics={**last.metrics, **end.metrics})
        yield from self._tell(len(self.history))
        early = last.epoch < self.config.epochs
        yield LineageStopped(key, attempt, last.epoch) if early else LineageFinished(key, attempt)

    def _fill(self, epoch: int) -> None:
        """Add those epochs before one that were not reported."""
        self.history += [self._epoch(missing, {}, 0.0) for missing in range(len(self.history), epoch)]

    def _epoch(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> EpochMetrics:
        return EpochMetrics(self.task.lineage_id, self.task.attempt, epoch, dict(metrics), seconds)

    def _tell(self, until: int) -> Iterator[EpochMetrics]:
        yield from self.history[self._next : until]
        self._next = max(self._next, until)

    def _look_whether_to_stop(self) -> None:
        """Find out whether early stopping ends the training now."""
        if not self.config.early_stopping or len(self.history) < 2:
            return
        metric, _, mode = self.config.monitor.partition(" ")
        if metric not in self.history[-1].metrics:
            self._problem = TrialError(f"early_stopping looks at {metric}, the objective, which was not reported")
            return
        sign = -1.0 if mode == "max" else 1.0
        values = [record.metrics.get(metric) for record in self.history]
        signed = [None if value is None else sign * value for value in values]
        self._stopped = stopping_epoch(self.config.early_stopping, signed) is not None


def _failed(task: LineageTask, error: BaseException) -> LineageFailed:
    text = "".join(traceback.format_exception(error))
    return LineageFailed(task.lineage_id, task.attempt, told(error), text)
