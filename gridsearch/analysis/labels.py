"""How a hyperparameter's value is written, everywhere: in tables, on axes, in legends and in hover texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gridsearch.config.value_kinds import as_written
from gridsearch.config.yaml_source import plain_scalar

#: Numbers outside of these bounds are written with an exponent; learning rates of 0.0001 are not.
_SMALLEST, _LARGEST = 1e-6, 1e12
_UNITS = {
    "batch_size": "images",
    "epochs": "passes over the training images",
    "neurons": "hidden units",
}


def label(value: Any) -> str:
    """Return a value as people write it: `0.0001`, `64`, `true`, `512-256`, `null`, `none` for an empty text.

    No two values of an axis read alike: a list whose items would not tell apart reads as in a job file.

    >>> label(1e-4), label(100.0), label([512, 256]), label(False), label([1, -2]), label([[6]])
    ('0.0001', '100', '512-256', 'false', '[1, -2]', '[[6]]')
    """
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        items = [label(item) for item in value]
        return "-".join(items) if items and all(map(_joinable, value, items)) else as_written(value)
    if value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    # The beginning of a digest tells as much as the whole to a person.
    return value[:19] if isinstance(value, str) and value.startswith("sha256:") else str(value)


def _joinable(item: Any, text: str) -> bool:
    """Whether an item of a list stands for itself between dashes, and is not text that reads like another value."""
    return (
        "-" not in text
        and not isinstance(item, (list, tuple))
        and not (isinstance(item, str) and (item == "" or not isinstance(plain_scalar(item), str)))
    )


def score_text(value: float | None) -> str:
    """Return a metric with the six decimals that the tables show, or nothing when there is none.

    What is too small or too large for that is written with an exponent and six digits: a column stays aligned.

    >>> score_text(0.5), score_text(-0.0), score_text(1.5e-9), score_text(-1234567890.0)
    ('0.500000', '0.000000', '1.50000e-09', '-1.23457e+09')
    """
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:z.6f}" if value == 0 or 1e-4 <= abs(value) < 1e6 else f"{value:.5e}"


def brief_text(value: float) -> str:
    """Return a metric with four decimals, for a sentence; with an exponent where that would say little, or too much.

    >>> brief_text(0.98111), brief_text(-4e8), brief_text(1.5e-9)
    ('0.9811', '-4e+08', '1.5e-09')
    """
    return f"{value:z.4f}" if _is_plain(abs(value)) else f"{value:.5g}"


def brief_texts(values: Sequence[float]) -> list[str]:
    """Return metrics that belong together, such as the ends of an interval, as `brief_text` does, to the same decimal.

    >>> brief_texts([-0.003, 0.00023411]), brief_texts([-0.00015, 0.0003]), brief_texts([0.0, 1.5e-9])
    (['-0.0030', '0.0002'], ['-0.00015', '0.00030'], ['0', '1.50e-09'])
    """
    most = max(map(abs, values))
    if 1e-6 <= most < 1e-3:
        return [f"{value:z.{1 - math.floor(math.log10(most))}f}" for value in values]
    return [f"{value:z.4f}" if _is_plain(most) else f"{value:.2e}" if value else "0" for value in values]


def _is_plain(size: float) -> bool:
    return size == 0 or 1e-3 <= size < 1e6


def measured_text(value: float | None) -> str:
    """Return a time or another measured amount with four significant digits, or nothing when there is none.

    >>> measured_text(13.2649), measured_text(0.0123456)
    ('13.26', '0.01235')
    """
    return "" if value is None or math.isnan(value) else label(float(f"{value:.4g}"))


def share_text(share: float | None) -> str:
    """Return a share of the variance in percent; nothing where it is not known.

    >>> share_text(0.7154), share_text(0.0001), share_text(None)
    ('71.5 %', '0.0 %', '')
    """
    return "" if share is None else f"{100 * share:.1f} %"


def probability_text(probability: float) -> str:
    """Return a probability that some hundred or thousand draws tell, in whole percent: they know no more.

    >>> probability_text(0.1234), probability_text(0.001), probability_text(0.999)
    ('12 %', '< 1 %', '> 99 %')
    """
    return "< 1 %" if probability < 0.005 else "> 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def signed_text(value: float | None) -> str:
    """Return a correlation with its sign, nothing where there is none.

    >>> signed_text(0.335), signed_text(-0.001)
    ('+0.34', '0.00')
    """
    return "" if value is None else f"{value:+.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00")


def aligned_texts(values: Sequence[float | None]) -> list[str]:
    """Return measured amounts of one column with equally many decimals: as many as give the smallest three digits.

    >>> aligned_texts([69.29, 2.651, None])
    ['69.29', '2.65', '']
    """
    smallest = min((abs(value) for value in values if value), default=1.0)
    decimals = min(6, max(0, 2 - math.floor(math.log10(smallest))))
    return ["" if value is None else f"{value:.{decimals}f}" for value in values]


@dataclass(frozen=True, slots=True)
class Spread:
    """How the scores of a point's trials spread about their mean.

    Attributes:
        std: The standard deviation (ddof 1); None for a single score.
        n: The number of scores.
        of: The number of trials.
        diverged: How many of these diverged.
    """

    std: float | None
    n: int
    of: int
    diverged: int


def mean_text(mean: float, spread: Spread) -> str:
    """Return a mean with its spread, both with four decimals, or of very small and very large ones with an exponent.

    >>> mean_text(0.98111, Spread(0.00123, 5, 5, 0)), mean_text(0.9, Spread(None, 1, 3, 2))
    ('0.9811 ± 0.0012 (n=5)', '0.9000 (n=1 of 3, 2 diverged)')
    >>> mean_text(-2e9, Spread(1e8, 2, 2, 0))
    '-2e+09 ± 1e+08 (n=2)'
    """
    size = max(abs(mean), spread.std or 0.0)
    plainly = _is_plain(size)
    std = "" if spread.std is None else f" ± {spread.std:.4f}" if plainly else f" ± {spread.std:.2g}"
    missing = f" of {spread.of}" if spread.n < spread.of else ""
    diverged = f", {spread.diverged} diverged" if spread.diverged else ""
    return f"{f'{mean:z.4f}' if plainly else f'{mean:.5g}'}{std} (n={spread.n}{missing}{diverged})"


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value) or value == 0:
        return f"{value:g}"
    if not _SMALLEST <= abs(value) < _LARGEST:
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def axis_title(name: str, *, ours: bool = True) -> str:
    """Return the title of an axis of a figure: the name in words, with its unit where it has one.

    A training of the user's own has settings of the same names, and nobody knows their units: these are not `ours`.
    """
    words = name.replace("_", " ")
    return f"{words} ({_UNITS[name]})" if ours and name in _UNITS else words
