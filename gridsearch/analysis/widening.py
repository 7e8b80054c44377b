"""A grid made wider: the next value of an axis, and what its trials would take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gridsearch.analysis.edges import Edge
from gridsearch.analysis.frames import JobData
from gridsearch.config.axes import Scale
from gridsearch.config.job_settings import recipe_comparable
from gridsearch.config.trial import RECIPE_KEYS

#: Neighbours that differ by at least this factor are spaced by factors.
_FACTOR = 1.5
#: No next value is further away than by this factor: what is so far apart was a guess.
_MOST_FACTOR = 10.0
_EPOCHS = "epochs"


@dataclass(frozen=True, slots=True)
class Effort:
    """What something would take: new trials, and seconds at the pace so far.

    Attributes:
        trials: How many new trials.
        seconds: How long their training takes; None where nothing was trained yet.
        trained: Whether they are part of trainings that are there already.
    """

    trials: int
    seconds: float | None
    trained: bool = False


def wider(data: JobData, edge: Edge) -> tuple[Any, ...] | None:
    """Return the values of an axis with one more beyond the edge, in the spacing there; None where there can be none.

    A setting of the recipe has no value that a job file could not give it, and no batch has more images than there are.
    Whole numbers stay whole; what lies within 0 and 1 throughout, in equal steps, stays within; nothing turns negative
    that is not.
    """
    values = sorted(value for value in edge.axis.values if isinstance(value, (int, float)))
    if len(values) < 2:
        return None
    last, before = (values[-1], values[-2]) if edge.largest else (values[0], values[1])
    found = _next(last, before, by_factors=_by_factors(edge.axis.scale, values, last, before))
    if found is None or found in values or not _possible(data, edge.axis.name, values, found):
        return None
    return (*values, found) if edge.largest else (found, *values)


def _by_factors(scale: Scale, values: Sequence[float], last: float, before: float) -> bool:
    """Whether the values, ascending, are spaced by factors at the end of `last`: by equal steps they are not."""
    if last <= 0 or before <= 0:
        return False
    steps = [right - left for left, right in pairwise(values)]
    if len(steps) > 1 and all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps):
        return False
    return scale == "log" or max(last, before) / min(last, before) >= _FACTOR


def _next(last: float, before: float, *, by_factors: bool) -> float | None:
    factor = min(_MOST_FACTOR, max(1 / _MOST_FACTOR, last / before)) if by_factors else 0.0
    value = last * factor if by_factors else last + (last - before)
    if isinstance(last, int) and isinstance(before, int):
        return round(value) if round(value) != last else None
    tidy = float(f"{value:.6g}")
    return tidy if math.isfinite(tidy) else None


def _possible(data: JobData, name: str, values: Sequence[float], value: float) -> bool:
    if name in RECIPE_KEYS and not data.job.record.training:
        known = [data.job.record.images, *(one.images for one in data.job.record.datasets)]
        images = min((one["train"] for one in known if "train" in one), default=None)
        if name == "batch_size" and images and value > images:
            return False
        return recipe_comparable(name).problem(value) == ""
    if value < 0 <= min(values) or (value == 0 < min(values)):
        return False
    of_shares = all(0 <= one <= 1 for one in values) and any(isinstance(one, float) for one in values)
    return 0 <= value < 1 if of_shares else True


def effort_of(data: JobData, edge: Edge, value: float) -> Effort:
    """Return what the trials of one more value of an axis would take: as many as the outermost has, their epochs."""
    texts = data.texts(edge.axis, data.trials)
    own = [row for row, text in zip(data.rows, texts, strict=True) if text == edge.key]
    if edge.axis.name == _EPOCHS:
        return Effort(len(own), seconds_of(data, sum(max(0, round(value) - row.epochs) for row in own)))
    longest: dict[str, int] = {}
    for row in own:
        longest[row.lineage_id] = max(row.epochs, longest.get(row.lineage_id, 0))
    return Effort(len(own), seconds_of(data, sum(longest.values())))


def seconds_of(data: JobData, epochs: int) -> float | None:
    """Return how long so many epochs would take, at the pace of those trained so far and with as many workers."""
    if data.cost is None or not data.cost.epochs:
        return None
    workers = max((launch.workers for launch in data.launches[-1:]), default=1)
    return epochs * data.cost.seconds / data.cost.epochs / max(1, workers)
