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
        seconds: How long it took, for one that has reported no epoch.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    error: BaseException | None = None
    account: str = ""
    seconds: float = 0.0


class Told:
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

    def report(
        self, epoch: int, metrics: Mapping[str, float], seconds: float, *, over: bool = False
    ) -> Iterator[LineageEvent]:
        """Take in an epoch, and tell those before it; itself too, where it diverged or is certainly not the last.

        `over` says that another epoch has begun.
        """
        self._fill(epoch)
        self.history.append(self._epoch(epoch, metrics, seconds))
        self._diverged = any(is_loss(name) and not abs(value) < float("inf") for name, value in metrics.items())
        if not self._diverged:
            self._look_whether_to_stop()
        yield from self._tell(len(self.history) - (not self._diverged and (self.ended or not over)))

    def end(self, end: Ended) -> Iterator[LineageEvent]:
        """Tell how the training ended."""
        key, attempt = self.task.lineage_id, self.task.attempt
        if self._diverged:
            yield LineageDiverged(key, attempt, len(self.history) - 1)
            return
        if error := self._problem or end.error:
            # The last epoch of all completes its trial, which is not to be.
            yield from self._tell(min(len(self.history), self.config.epochs))
            yield failed(self.task, error, end.account)
            return
        if end.metrics and len(self.history) < 2:
            self._fill(self.config.epochs)
            self.history.append(self._epoch(self.config.epochs, {}, end.seconds))
        if len(self.history) < 2:
            yield failed(self.task, TrialError("the training ended without a report, and returned no metrics"))
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


def failed(task: LineageTask, error: BaseException, account: str = "") -> LineageFailed:
    """Return that a training failed; `account` is for the log, empty for the traceback."""
    text = account or "".join(traceback.format_exception(error))
    return LineageFailed(task.lineage_id, task.attempt, told(error), text)
