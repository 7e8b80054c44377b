"""Numbers of curves with no more digits than can be seen: a page has very many."""

from __future__ import annotations

import math
from collections.abc import Sequence

_DIGITS = 5


def short_numbers(values: Sequence[float | None]) -> list[float | None]:
    """Return numbers with five digits, or as many more as tell them apart that lie close together.

    >>> short_numbers([0.123456789, 1.0, None]), short_numbers([1000000.123456, 1000001.2])
    ([0.12346, 1.0, None], [1000000.1235, 1000001.2])
    """
    known = [value for value in values if value is not None]
    spread = max(known) - min(known) if known else 0.0
    return [None if value is None else _short(value, spread) for value in values]


def _short(value: float, spread: float) -> float:
    more = math.ceil(math.log10(abs(value) / spread)) if value and 0 < spread < abs(value) else 0
    return float(f"{value:.{min(17, _DIGITS + more)}g}")
