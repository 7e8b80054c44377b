"""Intervals that hold a true value in 95 of 100 cases, of shares of images and of means over repeats."""

from __future__ import annotations

import math
from statistics import NormalDist

#: How often such an interval holds the true value.
CONFIDENCE = 0.95
#: Beyond so many standard errors, to one side or the other, lie 5 of 100 normal draws.
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def t_limit(freedom: float) -> float:
    """Return beyond how many standard errors, to one side or the other, lie 5 of 100 draws of Student's t."""
    from scipy.special import stdtrit  # takes long to import, and reading results seldom needs it

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))


def share_interval(share: float, images: int) -> tuple[float, float]:
    """Return the interval of a share of so many images (Wilson, 1927).

    As `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`.
    """
    share = min(max(share, 0.0), 1.0)
    weight = Z**2 / images
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / images + weight / (4 * images)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_half_width(deviation: float, count: int, extra: float = 0.0, freedom: int | None = None) -> float:
    """Return half the width of the interval of a mean (Student's t) of so many numbers with this deviation (ddof 1).

    Args:
        deviation: Their standard deviation.
        count: How many there are, at least 2.
        extra: What is added to 1 / `count`: for folds, whose trainings share most of their images, the ratio of
            validation to training images (Nadeau and Bengio, 2003).
        freedom: The degrees of freedom of a deviation that others were pooled for; by default `count` - 1.
    """
    return t_limit(freedom or count - 1) * deviation * math.sqrt(1 / count + extra)
