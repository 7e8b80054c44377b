"""The history of a training of the user's own: from what it reports to the events that are recorded of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

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
from gridsearch.training.checkpoints import Checkpoint
from gridsearch.training.loop.task import LineageTask
from gridsearch.user_code import told


@dataclass(frozen=True)
class Ended:
    """How a training ended: with metrics of no epoch, because it was to end, or by an error.

    Attributes:
        metrics: Numbers that belong to its last epoch.
        error: Why it failed; None where it did not.
        account: What the failure's log says; empty for the error's traceback.
        seconds: How long it took since the last report, or since it began.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    error: BaseException | None = None
    account: str = ""
    seconds: float = 0.0


def targets_of(task: LineageTask) -> list[int]:
    """Return the numbers of epochs of a lineage's trials that are to be trained, ascending.

    What a training says at its end belongs to the trial whose number of epochs it was given: it is called for each.
    """
    open_ones = {epochs for epochs in task.readings if task.recorded_epoch < epochs < task.config.epochs}
    return [*sorted(open_ones), task.config.epochs]


class Told:
    """The history of a lineage as it is reported, and what of it has been told.

    `target` is how many epochs the training has now been asked for, of which its lineage may have more trials.
    """

    def __init__(self, task: LineageTask, config: OwnConfig) -> None:
        self.task, self.config = task, config
        self.target = config.epochs
        self.history: list[EpochMetrics] = []
        #: Whether the training has said anything at its end.
        self.said_at_end = False
        self._next = task.recorded_epoch + 1
        self._diverged = self._stopped = False
        self._problem: TrialError | None = None

    @property
    def ended(self) -> bool:
        """Whether the training is to end now: it diverged, or stopped early."""
        return self._diverged or self._stopped or self._problem is not None

    @property
    def reached(self) -> bool:
        """Whether the last call came to its target, so that the next may be asked for more."""
        return not self.ended and len(self.history) == self.target + 1

    def begin(self, target: int, checkpoint: Checkpoint | None) -> None:
        """Begin a call for so many epochs, with the epochs of a checkpoint or with none."""
        known = checkpoint.history if checkpoint else ()
        records = [record for record in known if isinstance(record, EpochMetrics)]
        self.history = [replace(record, attempt=self.task.attempt) for record in records]
        self.target = target

    def report(
        self, epoch: int, metrics: Mapping[str, float], seconds: float, *, over: bool = False
    ) -> Iterator[LineageEvent]:
        """Take in an epoch, and tell those before it; itself too, where it diverged or is certainly not the last.

        `over` says that another epoch has begun.
        """
        self._fill(epoch)
        self.history.append(self._epoch(epoch, metrics, seconds))
        self._diverged = _has_diverged(metrics)
        if not self._diverged:
            self._look_whether_to_stop()
        yield from self._tell(len(self.history) - (not self._diverged and (self.ended or not over)))

    def end(self, end: Ended) -> Iterator[LineageEvent]:
        """Tell how the training ended."""
        key, attempt = self.task.lineage_id, self.task.attempt
        self.said_at_end = bool(end.metrics)
        if not self._diverged and (error := self._problem or end.error):
            # The last epoch of all completes its trial, which is not to be.
            yield from self._tell(min(len(self.history), self.target))
            yield failed(self.task, error, end.account)
            return
        if not self._diverged and end.metrics and len(self.history) < 2:
            self._fill(self.target)
            self.history.append(self._epoch(self.target, {}, 0.0))
        if len(self.history) < 2:
            yield failed(self.task, TrialError("the training ended without a report, and returned no metrics"))
            return
        last = self.history[-1]
        self.history[-1] = replace(last, metrics={**last.metrics, **end.metrics}, seconds=last.seconds + end.seconds)
        yield from self._tell(len(self.history))
        if self._diverged or _has_diverged(end.metrics):
            self._diverged = True
            yield self._told_diverged(last.epoch)
        elif last.epoch < self.target:
            # One that began anew may end sooner than before: what is recorded stays.
            self._stopped = True
            yield LineageStopped(key, attempt, max(last.epoch, self.task.recorded_epoch))
        elif self.target == self.config.epochs:
            yield LineageFinished(key, attempt)

    def _told_diverged(self, epoch: int) -> LineageDiverged | LineageFailed:
        if epoch > self.task.recorded_epoch:
            return LineageDiverged(self.task.lineage_id, self.task.attempt, epoch)
        said = (
            f"it began anew and diverged in epoch {epoch}, whose recorded numbers are finite: it does not repeat itself"
        )
        return failed(self.task, TrialError(f"{said}; save its state, or seed all that it draws from"))

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


def _has_diverged(metrics: Mapping[str, float]) -> bool:
    return any(is_loss(name) and not abs(value) < float("inf") for name, value in metrics.items())


def failed(task: LineageTask, error: BaseException, account: str = "") -> LineageFailed:
    """Return that a training failed; `account` is for the log, empty for the traceback."""
    text = account or "".join(traceback.format_exception(error))
    return LineageFailed(task.lineage_id, task.attempt, told(error), text)
