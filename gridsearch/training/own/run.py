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
from gridsearch.training.own.history import Ended, Told, failed
from gridsearch.training.own.numbers import checked_metrics
from gridsearch.training.own.saved_state import GlobalGenerators, State, restore_state, state_of
from gridsearch.training.own.trial import Trial, TrialStopped


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

    def __init__(self, task: LineageTask, device: str, checkpoint: Checkpoint | None) -> None:
        assert isinstance(task.config, OwnConfig)
        super().__init__(task.config.settings(), id=own_id(task.config), device=device)
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
        began = time.perf_counter()
        try:
            returned = self._function(self.trial)
            if returned is not None and not isinstance(returned, Mapping):
                raise TrialError(
                    f"it returned {type(returned).__name__}; return nothing, or numbers by name: {{'test_f1': 0.9}}"
                )
            return Ended(checked_metrics(returned or {}), seconds=time.perf_counter() - began)
        except TrialStopped:
            return Ended()
        except BaseException as error:
            if of_the_world(error):
                raise
            return Ended(error=error)


def own_events(task: LineageTask, context: OwnContext) -> Iterator[LineageEvent]:
    """Yield what happens to a lineage whose training is a function of the user's, until it ends or a stop.

    An epoch is yielded when the next is reported or the function returns: what it returns belongs to the last. Raises
    `StorageError` where a checkpoint cannot be written.
    """
    config = task.config
    assert isinstance(config, OwnConfig)
    told_of = Told(task, config)
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
        yield failed(task, error)
        return
    seed_everything(config.seed)
    trial = _CalledTrial(task, context.device, checkpoint)
    call = _Call(function, trial)
    try:
        yield from _events_of(call, told_of, folder, context)
    finally:
        call.leave()


def _events_of(call: _Call, told_of: Told, folder: CheckpointFolder, context: OwnContext) -> Iterator[LineageEvent]:
    answer = call.go_on()
    if resumed := call.trial.resumed:
        told_of.take_over(resumed)
    while isinstance(answer, _Report):
        yield from told_of.report(answer.epoch, answer.metrics, answer.seconds)
        if answer.state is not None and not told_of.ended:
            folder.save(answer.state, told_of.history, last=answer.epoch == told_of.config.epochs)
        if context.stop():
            return
        answer = call.go_on(ending=told_of.ended)
    yield from told_of.end(answer)
