"""The vertical axes of curves: over the trained epochs, linear or logarithmic, epoch 0 apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.labels import label
from gridsearch.analysis.plots import Plot, trained_values

#: The settings of an axis by its scale: `linear`, and `log` where it can be logarithmic.
Axes = dict[str, dict[str, Any]]
#: So many powers of ten below the highest value, and below 1, stands what has no logarithm.
_LOWEST_LOG = -6.0
#: Numbers from here on are written with an exponent, and those below.
_LARGE, _SMALL = 1e6, 1e-3
_MOST_TICKS, _FEWEST_TICKS = 6, 3
_LEADS = (1.0, 2.0, 5.0)


def value_axes(plot: Plot, curves: Sequence[Curve], names: Sequence[str], highest: float = math.inf) -> Axes:
    """Return the settings of the vertical axis of a plot for each scale that it can be read on.

    Args:
        plot: The plot.
        curves: The curves to show, from epoch 1 on.
        names: Which of the plot's metrics are shown.
        highest: A loss above this is cut off on the linear scale.
    """
    values = trained_values(curves, *names)
    if plot.share:
        return {"linear": share_axis(values)}
    look = notation(values)
    if plot.loss and min(values, default=0.0) >= 0:
        top = max(values, default=1.0) or 1.0
        axes = {"linear": _linear([0.0, min(top, highest) * 1.12])}
    else:
        axes = {"linear": _linear(_padded(values))}
    if plot.log:
        axes["log"] = logarithmic(values)
    return {scale: axis | look for scale, axis in axes.items()}


def logarithmic(values: Sequence[float]) -> dict[str, Any]:
    """Return the settings of a logarithmic axis that holds these numbers, none of which is negative."""
    positive = [value for value in values if value > 0]
    span = [-1.0, 0.0]
    if positive:
        high, low = math.log10(max(positive)), math.log10(min(positive))
        if len(positive) < len(values):
            # What is 0 is drawn at the edge.
            low = min(low, high + _LOWEST_LOG, _LOWEST_LOG)
        pad = max(0.06 * (high - low), 0.02)
        span = [low - pad, high + pad]
    ticks = log_ticks(*span)
    # Plotly would label the digits between the tens by themselves: 2 and 5, smaller, for 0.02 and 0.05.
    labels = [f"{tick:g}" if tick >= _LARGE and float(f"{tick:g}") == tick else label(tick) for tick in ticks]
    return {"type": "log", "range": span, "tickmode": "array", "tickvals": ticks, "ticktext": labels}


def share_axis(values: Sequence[float]) -> dict[str, Any]:
    """Return the settings of a vertical axis that holds these shares, with no room beyond 0 and 1 but for a line."""
    if not values:
        return _linear([-0.03, 1.03])
    low, high = min(values), max(values)
    pad = max(0.06 * (high - low), 0.005)
    return _linear([max(-0.03, low - pad), min(1.03, high + pad)])


def notation(values: Sequence[float]) -> dict[str, Any]:
    """Return how an axis writes these numbers: with an exponent where they are very small or very large."""
    size = max(map(abs, values), default=0.0)
    return {"exponentformat": "e"} if size >= _LARGE or 0 < size < _SMALL else {}


def log_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of a logarithmic axis between two powers of ten: 1, 2, 5, or tens, or evenly where it is short.

    >>> log_ticks(-1.05, 0.4), log_ticks(-4.0, 1.0)
    ([0.1, 0.2, 0.5, 1.0, 2.0], [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0])
    """
    powers = range(math.floor(low) - 1, math.ceil(high) + 1)
    fine = [float(f"{lead}e{power}") for power in powers for lead in _LEADS if _within(lead, power, low, high)]
    if len(fine) > _MOST_TICKS:
        tens = [float(f"1e{power}") for power in powers if _within(1.0, power, low, high)]
        return tens[:: math.ceil(len(tens) / _MOST_TICKS)]
    if len(fine) >= _FEWEST_TICKS:
        return fine
    first, last = 10**low, 10**high
    wide = 10.0 ** (math.floor(math.log10(last - first)) - 1)
    step = next(
        step for lead in (1, 10) for step in (lead * wide * one for one in _LEADS) if (last - first) / step <= 7
    )
    start, stop = math.ceil(first / step), math.floor(last / step)
    return [float(f"{place * step:.12g}") for place in range(start, stop + 1)]


def _within(lead: float, power: int, low: float, high: float) -> bool:
    return low <= math.log10(lead) + power <= high


def _padded(values: Sequence[float]) -> list[float]:
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return [low - pad, high + pad]


def _linear(span: list[float]) -> dict[str, Any]:
    return {"type": "linear", "range": span, "tickmode": "auto", "tickvals": None, "ticktext": None}
