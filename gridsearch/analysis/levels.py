"""An axis as figures draw it: where its values stand, how they are written, how they are coloured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pandas as pd

from gridsearch.analysis.labels import label
from gridsearch.analysis.rounding import rounded
from gridsearch.config.axes import Axis, Scale

#: More colours than this cannot be told apart, nor ordered by eye.
MOST_LEVELS = 8
#: More lines or rows than this, one for each value, are not read any more.
MOST_COMPARED = 10
#: Ticks stand at least this share of the axis apart, so that their labels do not touch.
_CLOSEST_TICKS = 0.055


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the values of an axis are drawn.

    Attributes:
        scale: `linear`, `log` or `category`.
        positions: By text, in data coordinates (categories at 0, 1, 2, ...).
        ticks: The positions that have a label.
        labels: The labels; long numbers are rounded.
        span: The visible range, in powers of ten if `scale` is "log".
        step: The distance of the closest neighbours, in the units of `span`.
    """

    scale: Scale
    positions: dict[str, float]
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    span: tuple[float, float]
    step: float


@dataclass(frozen=True, slots=True)
class Levels:
    """The groups of an axis's values that share a colour; `group_of` maps a value's label to its group."""

    labels: tuple[str, ...]
    group_of: dict[str, int]
    ordered: bool


def ordered_values(axis: Axis) -> list[Any]:
    """Return the values of an axis in ascending order; text, lists and true/false in the job's order."""
    return list(axis.values) if axis.scale == "category" else sorted(axis.values)


def value_text(axis: Axis, value: Any) -> str:
    """Return the text of a trial's value on an axis, nothing where it has none; null only where the axis has it."""
    if not isinstance(value, (list, tuple)) and pd.isna(value):
        return label(None) if None in axis.values else ""
    return label(value)


def with_seen(axis: Axis, seen: dict[str, object]) -> Axis:
    """Return the axis with the values, by their texts, that trials have but the job does not name.

    They arise where a setting is dead (momentum under Adam) and is put back to its default.
    """
    declared = {label(value) for value in axis.values}
    extra = tuple(value for text, value in seen.items() if text and text not in declared)
    return replace(axis, values=axis.values + extra) if extra else axis  # type: ignore[operator]


def placement(axis: Axis) -> Placement:
    """Return where the values of an axis stand on a figure."""
    values = ordered_values(axis)
    scale: Scale = axis.scale
    if scale == "log" and values[0] <= 0:
        scale = "linear"
    raw = [float(place) for place in range(len(values))] if scale == "category" else [float(v) for v in values]
    drawn = [math.log10(value) for value in raw] if scale == "log" else raw
    gaps = [b - a for a, b in pairwise(drawn)]
    width = drawn[-1] - drawn[0]
    step = min(gaps) if gaps else 1.0
    margin = max(0.6 * step, 0.06 * width) if gaps else 0.5
    kept = _spaced(drawn, width * _CLOSEST_TICKS)
    shown = rounded(values)
    return Placement(
        scale=scale,
        positions={label(value): place for value, place in zip(values, raw, strict=True)},
        ticks=tuple(raw[index] for index in kept),
        labels=tuple(shown[label(values[index])] for index in kept),
        span=(drawn[0] - margin, drawn[-1] + margin),
        step=step,
    )


def levels(axis: Axis) -> Levels:
    """Return the groups of values that share a colour: one each, or neighbours together."""
    names = [label(value) for value in ordered_values(axis)]
    shown = rounded(axis.values)
    ordered = axis.scale != "category"
    if len(names) <= MOST_LEVELS:
        return Levels(tuple(shown[name] for name in names), {name: index for index, name in enumerate(names)}, ordered)
    if not ordered:
        own = MOST_LEVELS - 1
        texts = (*(shown[name] for name in names[:own]), f"{len(names) - own} others")
        return Levels(texts, {name: min(index, own) for index, name in enumerate(names)}, ordered)
    group_of = {name: index * MOST_LEVELS // len(names) for index, name in enumerate(names)}
    members = [[shown[name] for name in names if group_of[name] == group] for group in range(MOST_LEVELS)]
    texts = tuple(part[0] if len(part) == 1 else f"{part[0]} – {part[-1]}" for part in members)
    return Levels(texts, group_of, ordered)


def _spaced(drawn: Sequence[float], closest: float) -> list[int]:
    """Return the indices of ticks that stand far enough apart; the first and last always do."""
    kept = [0]
    last = len(drawn) - 1
    for index in range(1, last):
        if drawn[index] - drawn[kept[-1]] >= closest and drawn[last] - drawn[index] >= closest:
            kept.append(index)
    return [*kept, last] if last > 0 else kept
