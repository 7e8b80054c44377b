"""Which epochs of a lineage are some trial's reading, or may turn out to be, while it is trained."""

from __future__ import annotations

from collections.abc import Sequence

from gridsearch.config.events import EpochRecord
from gridsearch.config.sections import Objective
from gridsearch.config.trial_epoch import reading_epoch
from gridsearch.training.loop.task import LineageTask


class Readings:
    """Follows the epochs of a lineage: of which its trials are read, as far as its history tells."""

    def __init__(self, task: LineageTask, objective: Objective, history: Sequence[EpochRecord]) -> None:
        self.objective = objective
        self.trials = [task.config.model_copy(update={"epochs": epochs}) for epochs in task.readings]
        config = task.config
        #: Whether only the numbers of an epoch tell that a trial is read at it.
        self._told_late = objective.at == "best" or config.restore_best or config.early_stopping is not None
        self._chosen = self._choice(history) if history else None

    def may_be(self, epoch: int) -> bool:
        """Whether an epoch that is still to be done may be a trial's reading."""
        if self._told_late:
            return epoch >= 1 and any(trial.epochs >= epoch for trial in self.trials)
        return any(trial.epochs == epoch for trial in self.trials)

    def take(self, history: Sequence[EpochRecord]) -> tuple[bool, int | None]:
        """Take in the last epoch of a history.

        Returns:
            Whether a trial would be read at it now, and the epoch that has become worthless by that, if one has.
        """
        epoch = history[-1].epoch
        before, self._chosen = self._chosen, self._choice(history)
        if self._chosen != epoch:
            return False, None
        spare = before is not None and not any(before <= trial.epochs < epoch for trial in self.trials)
        return True, before if spare else None

    def _choice(self, history: Sequence[EpochRecord]) -> int | None:
        """Return the epoch that open trials would be read at now, the same for all: they differ in epochs alone."""
        last = history[-1].epoch
        shortest = next((trial for trial in self.trials if trial.epochs >= last), None)
        return reading_epoch(shortest, self.objective, history) if shortest else None
