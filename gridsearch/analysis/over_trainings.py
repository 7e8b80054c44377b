"""What several trainings of one point have in common: the mean of a number over them, and how it spreads."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from gridsearch.analysis.labels import Spread, mean_text


def mean_over(values: Iterable[float | None], of: int) -> tuple[float, Spread] | None:
    """Return the mean of what was measured of the trainings of a point, with its spread.

    Args:
        values: A number for each training; None, or what is not finite, where there is none.
        of: How many trainings the point has in all.

    Returns:
        None where there is nothing to take a mean of.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None
    std = statistics.stdev(known) if len(known) > 1 else None
    return statistics.fmean(known), Spread(std, len(known), of, 0)


def over_text(values: Iterable[float | None], of: int) -> str:
    """Return the same in words, nothing where there is no mean.

    >>> over_text([0.9, 0.8, None], 3)
    '0.8500 ± 0.0707 (n=2 of 3)'
    """
    found = mean_over(values, of)
    return mean_text(*found) if found else ""
