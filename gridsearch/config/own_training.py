"""Trials whose training is the user's own: a function, `train: my_training:train`, or a command."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from gridsearch.config.trial import PositiveInt, TrialConfig, Value

#: The settings of an own training that mean something here; all others are for it alone.
OWN_KEYS = ("epochs", "seed", "early_stopping")
OWN_DEFAULTS: dict[str, Any] = {"epochs": 1, "seed": 0, "early_stopping": 0}


class Resources(BaseModel):
    """What one trial needs of a machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cpus: PositiveInt = 1
    """CPU cores, which are also its threads."""
    gpus: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    """GPUs; may be a fraction, such as 0.5. By default the GPUs are shared evenly by the workers."""


class OwnConfig(TrialConfig):
    """A trial that the user's own code trains.

    `model` is the function, or the command as its text, `model_code` the fingerprint of its source, `inputs` has that
    of each file which its numbers depend on. `hyper` holds its settings. Of the recipe only `epochs` and `seed` mean
    anything; the rest stands at its defaults and is no part of who the trial is.

    With `shares_epochs` a training of more epochs passes through this trial's numbers. `monitor` is the metric that
    `early_stopping` looks at, and whether it is best high or low: `val_f1 max`.
    """

    training: Literal["function", "command"]
    batch_size: PositiveInt = 1
    epochs: PositiveInt = 1
    learning_rate: float = 1.0
    dataset: str = ""
    inputs: dict[str, str] = Field(default_factory=dict)
    shares_epochs: StrictBool = False
    monitor: str = ""

    def settings(self) -> dict[str, Value]:
        """Return what the user's code is given: its own settings, `epochs` and `seed`."""
        return {key: getattr(self, key) for key in OWN_KEYS} | self.hyper

    @property
    def shares_prefix(self) -> bool:
        """Whether a longer training of this configuration passes through this trial's numbers."""
        return self.shares_epochs

    def batches_of_epoch(self, images: int) -> int:
        """Return 1: what is in an epoch is the user's affair."""
        return 1
