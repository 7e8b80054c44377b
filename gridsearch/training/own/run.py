"""Calling a training function: what it reports as a stream of events, as our own training loop gives one.

The function runs in a coroutine of its own (`greenlet`) on this thread: `report` hands over to whoever reads the
events, who hands back. So signals, debuggers and libraries find it in the main thread, and nobody waits for another
thread to notice a stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenlet import getcurrent, greenlet

from gridsearch.config.events import LineageEvent
from gridsearch.config.identity import own_id
from gridsearch.config.own_training import OwnConfig
from gridsearch.errors import TrialError
from gridsearch.models.seeding import seed_everything
from gridsearch.training.checkpoints import Checkpoint, CheckpointFolder
from gridsearch.training.loop.blame import of_the_world
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.own.function import imported
from gridsearch.training.own.history import Ended, Told, failed, targets_of
from gridsearch.training.own.input_files import check_unchanged
from gridsearch.training.own.numbers import checked_metrics
from gridsearch.training.own.saved_state import GlobalGenerators, State, restore_state, state_of
from gridsearch.training.own.trial import Trial, TrialStopped

#: How long apart the states of epochs are written to disk, but for the last: a killed training repeats no more.
SAVE_SECONDS = 1.0
#: How much longer than the last write took it is until the next: histories and states may be large.
_REST = 20.0


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


class _CalledTrial(Trial):
    """A trial that is being trained: what it reports goes to the reader of its events."""

    def __init__(
        self, config: OwnConfig, checkpoint: Checkpoint | None, device: str, is_due: Callable[[int], bool]
    ) -> None:
        super().__init__(config.settings(), id=own_id(config), device=device)
        #: The checkpoint that it goes on from.
        self.resumed: Checkpoint | None = None
        #: Whether it is to end: every report says so.
        self.ending = False
        #: When it began, or last reported.
        self.since = time.perf_counter()
        #: The coroutine that may report.
        self.coroutine: greenlet | None = None
        self._checkpoint, self._is_due = checkpoint, is_due

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
        if getcurrent() is not self.coroutine:
            raise TrialError("report was called by another thread or task; call it from the function itself")
        due = self._is_due(epoch)
        state = state_of([*save, GlobalGenerators()]) if save is not None and due else None
        reader = self.coroutine.parent
        assert reader
        reader.switch(_Report(epoch, metrics, state, time.perf_counter() - self.since))
        self.since = time.perf_counter()
        if self.ending:
            raise TrialStopped


class _Call:
    """A call of a training function, in a coroutine."""

    def __init__(self, function: Callable[[Trial], Any], trial: _CalledTrial) -> None:
        self._function, self.trial = function, trial
        self._greenlet = trial.coroutine = greenlet(self._run)
        self._begun = False

    def go_on(self, *, ending: bool = False) -> _Report | Ended:
        """Return what it reports next, or how it ended; `ending` is to end it."""
        self._greenlet.parent = getcurrent()
        self.trial.ending, self._begun = ending, True
        answer = self._greenlet.switch()
        assert isinstance(answer, (_Report, Ended))
        return answer

    def leave(self) -> None:
        """Unwind it, if it has not ended; whatever it does about that is its own affair."""
        if self._begun and not self._greenlet.dead:
            self.go_on(ending=True)

    def _run(self) -> Ended:
        try:
            returned = self._function(self.trial)
            if returned is not None and not isinstance(returned, Mapping):
                raise TrialError(
                    f"it returned {type(returned).__name__}; return nothing, or numbers by name: {{'test_f1': 0.9}}"
                )
            return Ended(checked_metrics(returned or {}), seconds=time.perf_counter() - self.trial.since)
        except TrialStopped:
            return Ended()
        except BaseException as error:
            if of_the_world(error):
                raise
            return Ended(error=error)


def own_events(task: LineageTask, context: OwnContext) -> Iterator[LineageEvent]:
    """Yield what happens to a lineage whose training is a function of the user's, until it ends or a stop.

    An epoch is yielded when the next is reported or the function returns: what it returns belongs to the last. Where
    trials of fewer epochs share it, the function is called for each of them in turn, as long as it returns something;
    each call goes on from what the one before has saved. Raises `StorageError` where a checkpoint cannot be written.
    """
    config = task.config
    assert isinstance(config, OwnConfig)
    told = Told(task, config)
    try:
        function = imported(config.model, context.search, config.model_code)
        check_unchanged(config.inputs, context.search[0])
    except BaseException as error:
        if of_the_world(error):
            raise
        yield failed(task, error)
        return
    saved = _Saved(CheckpointFolder(context.checkpoints, task.lineage_id, task.attempt), told, context)
    targets = targets_of(task)
    while targets:
        target = targets.pop(0)
        asked = config.model_copy(update={"epochs": target})
        seed_everything(config.seed)
        trial = _CalledTrial(asked, saved.up_to(target), context.device, saved.is_due)
        told.begin(target, None)
        call = _Call(function, trial)
        try:
            yield from _events_of(call, told, saved)
        finally:
            call.leave()
        if not told.reached:
            return
        if not told.said_at_end:
            del targets[:-1]  # it has nothing to say of the others but what it reports on the way


class _Saved:
    """The checkpoints of a lineage; between the last epochs of calls no more than one is written in `SAVE_SECONDS`.

    Writing takes no more than about a twentieth of the time.
    """

    def __init__(self, folder: CheckpointFolder, told: Told, context: OwnContext) -> None:
        self._folder, self._told, self._context = folder, told, context
        self._due = 0.0
        #: Whether a stop was wanted when it was last asked what is due.
        self.stopping = False

    def up_to(self, target: int) -> Checkpoint | None:
        """Return the checkpoint to go on from; one beyond the target is of another call, which ended elsewhere."""
        return self._folder.load(lambda found: found.epoch <= target)

    def is_due(self, epoch: int) -> bool:
        """Whether the state after an epoch is to be kept."""
        self.stopping = self._context.stop()
        return epoch == self._told.target or self.stopping or time.monotonic() >= self._due

    def save(self, report: _Report) -> None:
        """Keep the state of a report, if it has one."""
        if report.state is not None and not self._told.ended:
            begun = time.monotonic()
            self._folder.save(report.state, self._told.history, last=report.epoch == self._told.config.epochs)
            ended = time.monotonic()
            self._due = ended + max(SAVE_SECONDS, _REST * (ended - begun))


def _events_of(call: _Call, told: Told, saved: _Saved) -> Iterator[LineageEvent]:
    answer = call.go_on()
    if resumed := call.trial.resumed:
        told.begin(told.target, resumed)
    while isinstance(answer, _Report):
        yield from told.report(answer.epoch, answer.metrics, answer.seconds)
        saved.save(answer)
        if saved.stopping:
            return
        answer = call.go_on(ending=told.ended)
    yield from told.end(answer)
