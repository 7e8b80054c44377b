"""An axis as it is written, turned into its values: a list, a single value, or a range."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from gridsearch.config.identity import canonical_value
from gridsearch.config.trial import MAX_LEVELS, Value
from gridsearch.config.value_kinds import Kind, as_written, kind_of
from gridsearch.errors import nearest

Scale = Literal["linear", "log", "category"]
MAX_VALUES = 100_000
#: Ranges that only random search can draw from, and what a grid takes in their place.
CONTINUOUS = {"uniform": "linspace", "loguniform": "logspace"}


@dataclass(frozen=True)
class Axis:
    """A hyperparameter with its values, in the order written; no two are equal.

    Attributes:
        name: The setting.
        values: Its values.
        scale: How a figure draws it: `log` for values spaced by factors, `category` for text and lists.
        continuous: Whether the values stand for everything between the first and the last.
    """

    name: str
    values: tuple[Value, ...]
    scale: Scale
    continuous: bool = False


def axis_of(name: str, written: Any, values: list[Value]) -> Axis:
    """Return the axis with these values of those written for it."""
    kind = continuous_kind(written)
    scale: Scale = scale_of(values) if kind is None else "log" if kind == "loguniform" else "linear"
    return Axis(name, tuple(values), scale, continuous=kind is not None)


def continuous_kind(written: Any) -> str | None:
    """Return the kind of a range that only random search can draw from; None for any other axis."""
    return next((kind for kind in CONTINUOUS if kind in written), None) if isinstance(written, dict) else None


def values_of(written: Any, *, mixed: bool = False) -> list[Value]:
    """Return the values of an axis, of one kind unless they may be `mixed`.

    Args:
        written: As in a job file: a list, a single value, or a range. `{linspace: [0.1, 0.5], num: 5}`,
            `{logspace: [0.0001, 0.1], num: 4}` and `{range: [10, 50], step: 10}` include both ends;
            `{uniform: [0.0, 0.5]}` and `{loguniform: [0.0001, 0.1]}` give as many values as four digits tell apart.
        mixed: Whether text and lists may be values of the same axis.

    Raises:
        ValueError: It is none of these; the message is one line for the user.
    """
    if isinstance(written, dict):
        values: list[Value] = _expand(written)
    elif isinstance(written, list):
        values = written
    else:
        values = [written]
    _check(values, mixed=mixed)
    return values


def scale_of(values: list[Value]) -> Scale:
    """Return how figures should draw these values."""
    numbers = sorted(v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool))
    if len(numbers) < len(values):
        return "category"
    if len(numbers) < 3 or numbers[0] <= 0:
        return "linear"
    return "log" if numbers[-1] / numbers[0] >= 50 or _by_factors(numbers) else "linear"


def _by_factors(numbers: list[float]) -> bool:
    """Whether neighbours differ by about the same factor, and not by about the same step."""
    factors = [b / a for a, b in pairwise(numbers)]
    return min(factors) >= 1.9 and max(factors) / min(factors) < 1.5


def _check(values: list[Value], *, mixed: bool) -> None:
    if not values:
        raise ValueError("an axis needs at least one value; for an empty list as the one value write [[]]")
    if len(values) > MAX_VALUES:
        raise ValueError(f"{len(values):,} values are too many for one axis (at most {MAX_VALUES:,})")
    kinds = {_kind(value) for value in values} - {"null"}
    if len(kinds) > 1 and not mixed:
        raise ValueError(
            f"values of mixed types ({', '.join(sorted(kinds))}); all values of an axis must be of one kind"
        )
    if (said := _levels_problem(values)) is not None:
        raise ValueError(f"{said}; the lists of one axis have one depth")
    known: set[str] = set()
    for value in values:
        key = repr(canonical_value(value))
        if key in known:
            raise ValueError(f"the value {as_written(value)} is listed twice")
        known.add(key)
    for unlike, text in (("", "none"), (None, "null")):
        if unlike in values and text in values:
            raise ValueError(f"{as_written(unlike)} and {text!r} would look the same in tables; rename one of them")


def _kind(value: Any) -> Kind:
    if isinstance(value, dict):
        raise ValueError("a value of an axis cannot be a map")
    kind = kind_of(value)
    if kind == "list":
        inner = {_kind(item) for item in value}
        if len(inner) > 1 or "null" in inner:
            raise ValueError(f"the list {as_written(value)} as one value must hold plain values of one kind, or lists")
    return kind


def _levels_problem(values: list[Value]) -> str | None:
    """Return what is wrong with the depths of the lists among values: a column of a table has one."""
    # For each value the depths at which plain values lie in it, and those at which its empty lists would have them.
    found = [(value, *_depths(value, 0)) for value in values if isinstance(value, list)]
    filled = {depth for _, leaves, _ in found for depth in leaves}
    for value, leaves, empty in found:
        if max(leaves | empty) > MAX_LEVELS:
            return f"{as_written(value)} has lists in more than {MAX_LEVELS} levels"
        if len(leaves) > 1 or (leaves and filled != leaves) or (filled and max(empty, default=0) > min(filled)):
            return f"{as_written(value)} has plain values and lists side by side, or is deeper than others"
    return None


def _depths(value: Any, depth: int) -> tuple[set[int], set[int]]:
    if not isinstance(value, list):
        return {depth}, set()
    if not value:
        return set(), {depth + 1}
    parts = [_depths(item, depth + 1) for item in value]
    return set().union(*(leaves for leaves, _ in parts)), set().union(*(empty for _, empty in parts))


def _expand(written: dict[str, Any]) -> list[Value]:
    makers: dict[str, tuple[str, Callable[[float, float, Any], list[float]]]] = {
        "linspace": ("num", _linspace),
        "logspace": ("num", _logspace),
        "range": ("step", _range),
        "uniform": ("", _uniform),
        "loguniform": ("", _loguniform),
    }
    name = next((key for key in written if key in makers), None)
    if name is None:
        word = next(iter(written), "")
        raise ValueError(f"unknown kind of axis {word!r}{nearest(word, makers)}")
    parameter, make = makers[name]
    extra = sorted(set(written) - {name, parameter})
    if extra:
        raise ValueError(f"{name} does not take {extra[0]!r}{nearest(extra[0], [parameter] if parameter else [])}")
    ends, argument = written[name], written.get(parameter, 1 if name == "range" else None)
    if not (isinstance(ends, list) and len(ends) == 2 and all(_kind(end) == "number" for end in ends)):
        more = f", {parameter}: ..." if parameter else ""
        raise ValueError(f"{name} takes two numbers, as in {{{name}: [0.1, 0.5]{more}}}")
    if parameter and (argument is None or _kind(argument) != "number"):
        raise ValueError(f"{name} needs a number {parameter}")
    return [_tidy(value) for value in make(ends[0], ends[1], argument)]


def _count(num: Any) -> int:
    if not isinstance(num, int) or num < 2 or num > MAX_VALUES:
        raise ValueError(f"num must be a whole number from 2 to {MAX_VALUES:,}")
    return num


# Not numpy's `linspace` and `geomspace`: theirs differ in the last digit, and the values are part of trials' ids.
def _linspace(start: float, stop: float, num: Any) -> list[float]:
    count = _count(num)
    return [*(start + (stop - start) * i / (count - 1) for i in range(count - 1)), stop]


def _logspace(start: float, stop: float, num: Any) -> list[float]:
    count = _count(num)
    if start <= 0 or stop <= 0:
        raise ValueError("logspace takes the first and last value themselves, both above zero")
    low, high = math.log(start), math.log(stop)
    return [start, *(math.exp(low + (high - low) * i / (count - 1)) for i in range(1, count - 1)), stop]


def _range(start: float, stop: float, step: float) -> list[float]:
    if step == 0 or (stop - start) / step < 0:
        raise ValueError("step must lead from the first value to the last")
    count = math.floor((stop - start) / step + 1e-9) + 1
    if count > MAX_VALUES:
        raise ValueError(f"{count:,} values are too many for one axis (at most {MAX_VALUES:,})")
    return [start + step * i for i in range(count)]


def _uniform(low: float, high: float, _: Any) -> list[float]:
    """Return the multiples of a power of ten between two numbers, from 1,000 to 10,000 of them."""
    _ascending("uniform", low, high)
    digits = 3 - math.floor(math.log10(high - low))
    # As they are written: in binary 0.3 is less than three tenths, which would then lie outside.
    first, last = math.ceil(Decimal(str(low)).scaleb(digits)), math.floor(Decimal(str(high)).scaleb(digits))
    return [float(Decimal(place).scaleb(-digits)) for place in range(first, last + 1)]


def _loguniform(low: float, high: float, _: Any) -> list[float]:
    """Return a thousand numbers to the power of ten between two, by equal factors, no two equal.

    They are written with four digits, or with as many as tell them apart where the two are close.
    """
    _ascending("loguniform", low, high)
    if low <= 0:
        raise ValueError("loguniform takes two numbers above zero")
    decades = math.log10(high) - math.log10(low)
    count = min(MAX_VALUES, max(1000, round(1000 * decades)))
    digits = 4 + max(0, math.ceil(-math.log10(decades)))
    rounded = dict.fromkeys(float(f"{value:.{digits}g}") for value in _logspace(low, high, count))
    return [value for value in rounded if low <= value <= high]


def _ascending(name: str, low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"{name} takes the lower end, then the higher one")
    if math.isclose(low, high, rel_tol=1e-6, abs_tol=1e-100) or math.isinf(high - low):
        raise ValueError(f"{name} has ends that are too close together, or too far apart, to draw between")


def _tidy(value: float) -> int | float:
    """Round away the noise of the arithmetic, so that a range and the list it stands for are the same values."""
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
