"""Where an axis of a job has its labels: at its values, or at round numbers where these are many or were drawn."""

from __future__ import annotations

import math

from gridsearch.analysis.labels import label
from gridsearch.analysis.scatter import BoardAxis
from gridsearch.visualization.figures.value_axis import log_ticks
from gridsearch.visualization.theme import plain

_MOST_TICKS = 6
_LEADS = (1.0, 2.0, 5.0)


def axis_ticks(axis: BoardAxis) -> tuple[list[float], list[str]]:
    """Return the places of the labels in data coordinates, ascending, and the labels."""
    place = axis.placement
    if not axis.continuous:
        return list(place.ticks), [plain(text) for text in place.labels]
    low, high = place.span
    ticks = log_ticks(low, high) if place.scale == "log" else linear_ticks(low, high)
    return ticks, [label(tick) for tick in ticks]


def linear_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two, evenly apart.

    >>> linear_ticks(0.013, 0.52), linear_ticks(3, 97)
    ([0.1, 0.2, 0.3, 0.4, 0.5], [20.0, 40.0, 60.0, 80.0])
    """
    wide = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
    step = next(wide * lead for lead in (*_LEADS, 10.0) if (high - low) / (wide * lead) <= _MOST_TICKS)
    return [float(f"{place * step:.12g}") for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
