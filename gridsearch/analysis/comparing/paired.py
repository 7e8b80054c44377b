"""The difference of two scores, and of many pairs of them, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gridsearch.analysis.comparing.sides import Repeat, Side
from gridsearch.analysis.intervals import mean_half_width, share_interval, t_limit
from gridsearch.analysis.paired import paired
from gridsearch.config.metrics import is_proportion, of_training

Interval = tuple[float, float]


def mean_interval(values: Sequence[float], extra: float = 0.0) -> Interval | None:
    """Return the interval of a mean (Student's t); None of fewer than two values.

    Of paired differences it is that of `scipy.stats.ttest_rel`. `extra` is as in `mean_half_width`.
    """
    if len(values) < 2:
        return None
    middle = float(np.mean(values))
    half = mean_half_width(float(np.std(values, ddof=1)), len(values), extra)
    return middle - half, middle + half


def unpaired_interval(
    one: Sequence[float], other: Sequence[float], extras: tuple[float, float] = (0.0, 0.0)
) -> Interval | None:
    """Return the interval of the difference of two means, other minus one, of unequal variances (Welch, 1947).

    As `scipy.stats.ttest_ind(other, one, equal_var=False)`; None of fewer than two values. `extras` are for each as in
    `mean_half_width`.
    """
    if min(len(one), len(other)) < 2:
        return None
    parts = [
        float(np.var(values, ddof=1)) * (1 / len(values) + extra)
        for values, extra in zip((one, other), extras, strict=True)
    ]
    middle, error = float(np.mean(other) - np.mean(one)), math.sqrt(sum(parts))
    if error == 0:
        return middle, middle
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True)
    )
    half = t_limit(freedom) * error
    return middle - half, middle + half


def shares_interval(one: float, other: float, images: tuple[int, int]) -> Interval:
    """Return the interval of the difference of two shares of so many images, other minus one (Newcombe, 1998).

    As `statsmodels.stats.proportion.confint_proportions_2indep(method="newcomb")`. It takes the two for independent
    samples: of the same images a paired interval would be narrower.
    """
    one_low, one_high = share_interval(one, images[0])
    other_low, other_high = share_interval(other, images[1])
    middle = other - one
    below = math.hypot(other - other_low, one_high - one)
    above = math.hypot(other_high - other, one - one_low)
    return middle - below, middle + above


def common_repeats(one: Mapping[Repeat, float], other: Mapping[Repeat, float]) -> list[tuple[float, float]]:
    """Return the scores of two points in the repeats that both have; without repeats there are none."""
    return [(score, other[repeat]) for repeat, score in one.items() if repeat and repeat in other]


def difference(
    one: tuple[Side, Mapping[Any, Any]], other: tuple[Side, Mapping[Any, Any]], *, together: bool = False
) -> tuple[float, float, Interval | None]:
    """Return the scores of two points, each given as its job and its row of `points`, and the difference's interval.

    With `together` they are no independent samples, as of one trial measured twice: then only what is paired has an
    interval.

    Repeats that both have are paired, and then the scores are the means over these; other repeats are two samples.
    Scores measured once have an interval where they are shares of images; of the same images it is paired, where it is
    known which of them each has right.
    """
    repeats = [dict(side.repeats(str(row["trial"]))) for side, row in (one, other)]
    pairs = common_repeats(repeats[0], repeats[1])
    if len(pairs) > 1:
        extra = _of_folds(one[0])
        first, second = (float(np.mean(scores)) for scores in zip(*pairs, strict=True))
        return first, second, mean_interval([b - a for a, b in pairs], extra)
    scores = float(one[1]["score"]), float(other[1]["score"])
    extras = tuple(_of_folds(side) for side, _ in (one, other))
    samples = [list(own.values()) for own in repeats]
    if not together and (welch := unpaired_interval(samples[0], samples[1], (extras[0], extras[1]))):
        return *scores, welch
    images = [_images(side, str(row["trial"])) for side, row in (one, other)]
    if images[0] and images[1] and all(len(scores) == 1 for scores in repeats):
        same = _on_same_images(one, other, images[0]) if images[0] == images[1] else None
        independent = None if together else shares_interval(*scores, (images[0], images[1]))
        return *scores, same or independent
    return *scores, None


def _of_folds(side: Side) -> float:
    """Return what is added to 1 / n of the mean of a job's folds, as in `mean_half_width`; nothing without folds."""
    folds = side.data.job.record.folds
    return 1 / (folds - 1) if folds else 0.0


def _on_same_images(
    one: tuple[Side, Mapping[Any, Any]], other: tuple[Side, Mapping[Any, Any]], images: int
) -> Interval | None:
    """Return the interval of the difference of two trials on the very same images, other minus one.

    As that of tested trials (`analysis.paired`); None where it is not known which images each has right.
    """
    found = [side.correct(str(row["trial"])) for side, row in (other, one)]
    if found[0] is None or found[1] is None or found[0][0] != found[1][0]:
        return None
    return paired(found[0][1], found[1][1], images).interval


def _images(side: Side, trial: str) -> int | None:
    """Return on how many images the score of a trial is a share; None where it is none."""
    record, metric = side.data.job.record, side.data.objective.metric
    if record.training or not is_proportion(metric):
        return None
    images = record.images_of(side.data.rows[side.data.place_of[trial]].config)
    return images.get("train" if of_training(metric) else "validation")
