"""The sections of a job file: objective, random search, constraints, teacher and rules, each a small checked map."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gridsearch.config.metrics import DEFAULT_METRIC, better_direction, is_share, metric_words
from gridsearch.config.space import MAX_POINTS
from gridsearch.config.trial import PositiveInt


class Objective(BaseModel):
    """What ranks trials: a metric, read at the last epoch or at its best epoch, higher or lower being better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = DEFAULT_METRIC
    at: Literal["last", "best"] = "last"
    mode: Literal["max", "min"] | None = None

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

    model_config = ConfigDict(frozen=True, extra="forbid")

    random: Annotated[PositiveInt, Field(le=MAX_POINTS)]
    seed: Annotated[int, Field(ge=0, strict=True)] = 0


class Constraints(BaseModel):
    """What a trial must not exceed to be the best: weights, multiplications for one image, seconds of training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: PositiveInt | None = None
    macs: PositiveInt | None = None
    seconds: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None

    def limits(self) -> dict[str, float]:
        """Return the limits that are set."""
        return self.model_dump(exclude_none=True)


class TeacherChoice(BaseModel):
    """Which trained model a job's models learn from: `pick` is "best", or the beginning of a trial's id."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    job: Annotated[str, Field(min_length=1)]
    pick: Annotated[str, Field(pattern="^(best|[0-9a-f]{4,64})$")] = "best"


class SkipRule(BaseModel):
    """A rule of a job file: points for which `skip` holds do not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skip: str
