"""The vertical axes of curves: over the trained epochs, linear or logarithmic, epoch 0 apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from gridsearch.analysis.curves import Curve
from gridsearch.analysis.labels import label

Scale = Literal["linear", "log"]
_LOWEST_LOG = 1e-6
_MOST_TICKS, _FEWEST_TICKS = 6, 3
_LEADS = (1.0, 2.0, 5.0)


def trained_values(curves: Iterable[Curve], *keys: str) -> list[float]:
    """Return the finite values of these metrics from epoch 1 on; where there are none, those of epoch 0.

    A model is as bad as chance before its first step: with that in view, what it learns afterwards is a flat line.
    """
    found = [
        (epoch, value)
        for curve in curves
        for key in keys
        for epoch, value in zip(curve.epochs, getattr(curve, key), strict=True)
        if value is not None
    ]
    return [value for epoch, value in found if epoch >= 1] or [value for _, value in found]


def loss_axes(values: Sequence[float], highest: float = math.inf) -> dict[str, dict[str, Any]]:
    """Return the settings of a vertical axis for losses, for each `Scale`.

    Args:
        values: The losses to show.
        highest: What lies above this is cut off on the linear scale.
    """
    if not values:
        return _axes([0.0, 1.0], [-1.0, 0.0])
    top = max(values) or 1.0
    low, high = (math.log10(max(value, _LOWEST_LOG)) for value in (min(values), top))
    pad = max(0.06 * (high - low), 0.02)
    return _axes([0.0, min(top, highest) * 1.12], [low - pad, high + pad])


def share_axis(values: Sequence[float]) -> dict[str, Any]:
    """Return the settings of a vertical axis that holds these shares, with no room beyond 0 and 1 but for a line."""
    if not values:
        return {"range": [-0.03, 1.03]}
    low, high = min(values), max(values)
    pad = max(0.06 * (high - low), 0.005)
    return {"range": [max(-0.03, low - pad), min(1.03, high + pad)]}


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


def _axes(linear: list[float], log: list[float]) -> dict[str, dict[str, Any]]:
    ticks = log_ticks(*log)
    return {
        "linear": {"type": "linear", "range": linear, "tickmode": "auto", "tickvals": None, "ticktext": None},
        # Plotly would label the digits between the tens by themselves: 2 and 5, smaller, for 0.02 and 0.05.
        "log": {
            "type": "log",
            "range": log,
            "tickmode": "array",
            "tickvals": ticks,
            "ticktext": [label(tick) for tick in ticks],
        },
    }
