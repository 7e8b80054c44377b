"""Training curves side by side, one for each value of an axis."""

from __future__ import annotations

from dataclasses import dataclass

from gridsearch.analysis.curves import Curve, curves_of
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import MOST_COMPARED, MOST_LEVELS, ordered_values
from gridsearch.analysis.question import axis_title
from gridsearch.analysis.ranking import ranked

#: A longer training passes through the curve of a shorter one: there would be one line to see.
_ONE_LINE = frozenset({"epochs"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The curve of the best trial at each value of `axis`, in the order of its values; `ordered`: they are amounts.

    A value's best trial stands for it, as values differ in what suits them: a large batch is no worse for learning
    slowly at a rate that is right for a small one.
    """

    axis: str
    title: str
    ordered: bool
    values: tuple[str, ...]
    curves: tuple[Curve, ...]


def comparison(data: JobData, name: str) -> Comparison:
    """Return the curves along an axis; the job's epochs must have been loaded, values without a result are left out."""
    axis, texts = data.along(name)
    value_of = dict(zip(data.trials["trial"], texts, strict=True))
    ranking = ranked(data).to_dict("records")
    best: dict[str, int] = {}
    for place, row in enumerate(ranking):
        best.setdefault(value_of[row["trial"]], place)
    values = [text for text in map(label, ordered_values(axis)) if text in best]
    return Comparison(
        axis=name,
        title=axis_title(name),
        ordered=axis.scale != "category",
        values=tuple(values),
        curves=curves_of(data, ranking, [best[value] for value in values], "best"),
    )


def comparisons(data: JobData) -> tuple[Comparison, ...]:
    """Return the comparisons along every axis whose lines can be told apart."""
    found = [
        comparison(data, name)
        for axis, name in zip(data.axes, data.axis_columns, strict=True)
        if axis.name not in _ONE_LINE and len(axis.values) <= MOST_COMPARED
    ]
    return tuple(one for one in found if 2 <= len(one.values) <= (MOST_COMPARED if one.ordered else MOST_LEVELS))
