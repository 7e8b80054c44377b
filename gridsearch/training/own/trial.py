"""What a training function of the user's gets: its settings, and where to report what it measures.

def train(trial):
    model, optimizer = ...
    start = trial.restore(model, optimizer)
    for epoch in range(start + 1, trial["epochs"] + 1):
        ...
        trial.report(epoch, val_accuracy=accuracy, save=[model, optimizer])
    return {"test_accuracy": ...}
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from gridsearch.config.own_training import OWN_DEFAULTS
from gridsearch.config.trial import Value
from gridsearch.errors import TrialError, nearest
from gridsearch.training.own.numbers import checked_metrics


class TrialStopped(BaseException):
    """Raised by `Trial.report` where the training is to end: it stopped early, diverged, or the launch is stopped.

    It is no `Exception`, so that no `except Exception` on the way swallows it. Clean up with `finally`.
    """


class NoSettingError(TrialError, KeyError):
    """The trial has no setting of this name."""

    def __init__(self, name: object, known: Iterable[str]) -> None:
        super().__init__(f"there is no setting {name!r}{nearest(str(name), known)}")

    def __str__(self) -> str:
        return str(self.args[0])


class Trial(Mapping[str, Any]):
    """A trial to train: `trial["learning_rate"]` is a setting of the job's space.

    Attributes:
        id: The trial's id, 64 hexadecimal digits; of trials that share their epochs, that of their training.
        epochs: How many epochs to train; 1 where the job does not say.
        seed: The seed of this trial; torch's, numpy's and Python's generators are seeded with it before.
        device: `cuda` where the trial has a GPU, else `cpu`.
    """

    def __init__(self, settings: Mapping[str, Value], *, id: str = "", device: str = "cpu") -> None:
        self._settings = {**OWN_DEFAULTS, **settings}
        self.id, self.device = id, device
        self._last: int | None = None

    @classmethod
    def local(cls, **settings: Value) -> Trial:
        """Return a trial to call a training function with, without a job: it prints what is reported, and checks it.

        >>> trial = Trial.local(learning_rate=0.1, epochs=2)
        >>> trial.report(1, val_loss=0.25)
        epoch 1: val_loss 0.25
        """
        for name in ("epochs", "seed"):
            if type(settings.get(name, 0)) is not int:
                raise TrialError(f"{name} is {settings[name]!r}; give a whole number")
        return _Printed(settings)

    @property
    def epochs(self) -> int:
        """How many epochs to train."""
        epochs = self._settings["epochs"]
        assert isinstance(epochs, int)
        return epochs

    @property
    def seed(self) -> int:
        """The seed of this trial."""
        seed = self._settings["seed"]
        assert isinstance(seed, int)
        return seed

    def __getitem__(self, name: str) -> Any:
        try:
            return self._settings[name]
        except KeyError:
            raise NoSettingError(name, self._settings) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def restore(self, *objects: Any) -> int:
        """Load the states that the last `report` with `save` kept, of the same objects in the same order.

        The global random generators go on from there too.

        Returns:
            The epoch that was reported with it; 0 where there is none, and nothing was loaded.
        """
        return 0

    def report(self, epoch: int, /, *, save: Sequence[Any] | None = None, **metrics: Any) -> None:
        """Report an epoch: any numbers by name, of which the job's objective should be one.

        Epochs come in ascending order, each once, up to `epochs`; those left out have no metrics. 0 is the untrained
        model. A metric that is not finite is recorded as missing; a loss that is not (`loss` in its name) ends the
        trial as diverged.

        Args:
            epoch: The epoch that has just been trained, from 1.
            save: Objects with `state_dict()` and `load_state_dict()`, to go on from here after an interruption, or
                when the job is given more epochs.
            metrics: One number each; a tensor of one element is one.

        Raises:
            TrialError: The epoch or a metric cannot be right.
            TrialStopped: The training is to end now.
        """
        if isinstance(epoch, bool) or not hasattr(epoch, "__index__"):
            raise TrialError(f"the epoch is {epoch!r}; report(epoch, ...) takes a whole number first")
        epoch = int(epoch)
        if epoch < 0 or epoch > self.epochs:
            raise TrialError(f"epoch {epoch} was reported, and the trial has {self.epochs} (0 is the untrained model)")
        if self._last is not None and epoch <= self._last:
            raise TrialError(
                f"epoch {epoch} was reported after epoch {self._last}: epochs come in ascending order, each once, with"
                " all of its metrics in one report"
            )
        if self._last is None and epoch == 0 and save is not None:
            raise TrialError("epoch 0 was reported with save: there is nothing to go on from yet")
        numbers = checked_metrics(metrics)
        self._last = epoch
        self._reported(epoch, numbers, save)

    @abstractmethod
    def _reported(self, epoch: int, metrics: dict[str, float], save: Sequence[Any] | None) -> None:
        """Hand on a report that has been checked."""


class _Printed(Trial):
    """A trial that nobody records."""

    _digits: ClassVar[str] = ".6g"

    def _reported(self, epoch: int, metrics: dict[str, float], save: Sequence[Any] | None) -> None:
        if save is not None:
            from gridsearch.training.own.saved_state import state_of

            state_of(save)
        numbers = ", ".join(f"{name} {value:{self._digits}}" for name, value in metrics.items())
        sys.stdout.write(f"epoch {epoch}: {numbers or 'no metrics'}\n")
