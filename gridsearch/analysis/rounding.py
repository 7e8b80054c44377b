"""Long numbers for people to read: few digits, and no two values of a setting alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gridsearch.analysis.labels import label

#: Numbers of at most so many digits are shown as they were written; longer ones come out of a formula (`logspace`).
_AS_WRITTEN = 5
#: So many digits are left of longer ones, or as many more as tell them apart; a float has no more than the last.
_FEWEST, _MOST = 3, 17


def rounded(values: Iterable[Any]) -> dict[str, str]:
    """Return what to show for each value of a setting, by its full text (`label`).

    All values that may stand beside each other must be given.

    >>> rounded([0.0001, 0.00215443469003, 0.01])
    {'0.0001': '0.0001', '0.00215443469003': '0.00215', '0.01': '0.01'}
    """
    texts = {label(value): value for value in values}
    long = {text for text, value in texts.items() if isinstance(value, float) and _digits(text) > _AS_WRITTEN}
    for digits in range(_FEWEST, _MOST + 1) if long else ():
        shown = {text: _short(value, digits) if text in long else text for text, value in texts.items()}
        if len(set(shown.values())) == len(shown):
            return shown
    return {text: text for text in texts}


def _digits(text: str) -> int:
    """Return how many significant digits a number is written with."""
    mantissa = text.partition("e")[0].replace(".", "")
    return len(mantissa.strip("-0"))


def _short(value: float, digits: int) -> str:
    """Return a number of so many digits, and of no fewer than stand before its point."""
    return label(float(f"{value:.{digits}g}") if abs(value) < 10**digits else float(f"{value:.0f}"))
