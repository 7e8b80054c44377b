"""A curve as a line of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
#: A value of 0 is drawn as this on a logarithmic scale, or as the lowest of the others.
_LOWEST = 1e-6


def bars(values: Sequence[float | None], most: int, *, log: bool = False) -> str:
    """Return a bar for each value between the lowest and the highest, or for so many of them; × is no finite number.

    Empty where none is finite. A logarithmic scale is for values that are not negative.

    >>> bars([0.1, 0.5, None, 0.9], 60)
    '▁▅×█'
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / max(1, most - 1))] for i in range(most)]
    lowest = low if low > 0 else min(_LOWEST, *(value for value in known if value > 0), 1.0)

    def height(value: float) -> float:
        return math.log10(max(value, lowest)) if log and low >= 0 else value

    ends = height(low), height(high)
    return "".join("×" if v is None or math.isinf(v) else _bar(height(v), *ends) for v in values)


def _bar(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.0
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]
