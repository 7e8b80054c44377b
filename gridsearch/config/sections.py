"""The sections of a job file: objective, random search, constraints, teacher and rules, each a small checked map."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gridsearch.config.metrics import DEFAULT_METRIC, METRICS, better_direction, is_share, metric_words
from gridsearch.config.space import MAX_POINTS
from gridsearch.config.trial import PositiveInt


class Objective(BaseModel):
    """What ranks trials: a metric, read at the last epoch or at its best epoch, higher or lower being better."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    metric: Annotated[str, Field(examples=list(METRICS))] = DEFAULT_METRIC
    """The metric."""
    at: Literal["last", "best"] = "last"
    """Its value at the last epoch, or at its best epoch."""
    mode: Literal["max", "min"] | None = None
    """Whether higher (max) or lower (min) is better; by default min for losses, max otherwise."""

    @property
    def direction(self) -> Literal["max", "min"]:
        """Return the mode, which for a loss is "min" and for an accuracy "max" unless the job says otherwise."""
        return self.mode or better_direction(self.metric) or "max"

    @property
    def highest(self) -> bool:
        """Whether higher is better."""
        return self.direction == "max"

    def rank(self, value: float | None) -> float:
        """Return a value so that higher is better; what is missing or no number is worst, -inf."""
        if value is None or not math.isfinite(value):
            return -math.inf
        return value if self.highest else -value

    @property
    def heading(self) -> str:
        """Return the score's heading in a table: `val_accuracy`, or `best val_accuracy` over the epochs."""
        return f"best {self.metric}" if self.at == "best" else self.metric

    @property
    def title(self) -> str:
        """Return the score in words, for the axis of a figure."""
        words = metric_words(self.metric)
        return f"best {words}" if self.at == "best" else words

    @property
    def is_share(self) -> bool:
        """Whether the score is a fraction of images, best read as a percentage."""
        return is_share(self.metric)


class RandomSearch(BaseModel):
    """Random search: so many points of the space, drawn without repetition in an order that `seed` determines."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    random: Annotated[PositiveInt, Field(le=MAX_POINTS)]
    """How many points to draw."""
    seed: Annotated[int, Field(ge=0, strict=True)] = 0
    """Seeds the draws."""


class Constraints(BaseModel):
    """What a trial must not exceed to be the best: weights, multiplications for one image, seconds of training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    parameters: PositiveInt | None = None
    """The most parameters of the model."""
    macs: PositiveInt | None = None
    """The most multiply-adds for one image."""
    seconds: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """The longest training, in seconds."""

    def limits(self) -> dict[str, float]:
        """Return the limits that are set."""
        return self.model_dump(exclude_none=True)


class TeacherChoice(BaseModel):
    """Which trained model a job's models learn from: `pick` is "best", or the beginning of a trial's id."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    job: Annotated[str, Field(min_length=1)]
    """The teacher's job, by the name of its file or in the store."""
    pick: Annotated[str, Field(pattern="^(best|[0-9a-f]{4,64})$")] = "best"
    """best, or the first digits of a trial's id."""


class SkipRule(BaseModel):
    """A rule of a job file: points for which `skip` holds do not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    skip: str
    """The expression, such as optimizer == 'adam' and momentum > 0."""
