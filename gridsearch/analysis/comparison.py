"""Training curves side by side, one for each value of an axis."""

from __future__ import annotations

from dataclasses import dataclass

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import curves_of
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import axis_title, label
from gridsearch.analysis.levels import MOST_COMPARED, MOST_LEVELS, ordered_values
from gridsearch.analysis.plots import Plot, plots_of
from gridsearch.analysis.rounding import rounded
from gridsearch.analysis.standings import Standings, standings

#: A longer training passes through the curve of a shorter one: there would be one line to see.
_ONE_LINE = frozenset({"epochs"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """The curve of the best trial at each value of an axis.

    A value is represented by its best trial, because values differ in what suits them: a large batch is not worse for
    learning slowly at a rate that is right for a small one. If points are trained several times, it is the best point,
    and of its trials the one with the middle score.

    Attributes:
        axis: The axis.
        title: Its name in words.
        ordered: Whether its values are amounts.
        values: Its values as text, in order.
        curves: One for each value.
        plots: What is drawn of them, the most telling first.
    """

    axis: str
    title: str
    ordered: bool
    values: tuple[str, ...]
    curves: tuple[Curve, ...]
    plots: tuple[Plot, ...] = ()


def comparison(data: JobData, name: str, ranking: Standings | None = None) -> Comparison:
    """Return the curves along an axis; the job's epochs must have been loaded, values without a result are left out.

    `ranking` are the job's standings, where they are at hand.
    """
    axis, texts = data.along(name)
    ranking = standings(data) if ranking is None else ranking
    best: dict[str, int] = {}
    for place, trial in enumerate(ranking.trials):
        best.setdefault(texts[data.place_of[trial]], place)
    shown = rounded(axis.values)
    values = [text for text in map(label, ordered_values(axis)) if text in best]
    drawn = curves_of(data, ranking, [best[value] for value in values], "best")
    return Comparison(
        axis=name,
        title=axis_title(name, ours=not data.job.record.training),
        ordered=axis.scale != "category",
        values=tuple(shown[value] for value in values),
        curves=drawn,
        plots=plots_of(data.job.record, drawn),
    )


def comparisons(data: JobData, ranking: Standings | None = None) -> tuple[Comparison, ...]:
    """Return the comparisons along every axis whose lines can be told apart."""
    ranking = standings(data) if ranking is None else ranking
    found = [
        comparison(data, name, ranking)
        for axis, name in zip(data.axes, data.axis_columns, strict=True)
        if axis.name not in _ONE_LINE and len(axis.values) <= MOST_COMPARED
    ]
    return tuple(one for one in found if 2 <= len(one.values) <= (MOST_COMPARED if one.ordered else MOST_LEVELS))
