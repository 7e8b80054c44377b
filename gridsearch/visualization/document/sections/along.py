"""The score along each axis: how its mean goes, and the best that each value reaches."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.effects import AxisEffect, ValueEffect
from gridsearch.analysis.labels import brief_text, score_text
from gridsearch.analysis.scatter import board
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.grid import Grid
from gridsearch.visualization.document.parts import Figures, Section, Table
from gridsearch.visualization.document.phrases import paragraph, words
from gridsearch.visualization.first_choice import first_choice

#: Of an axis of more values the table has so many.
_MOST_VALUES = 40


def along(found: Findings) -> Section | None:
    """Return the section; None where no axis has two values with a score."""
    axes = found.effects.axes
    if not axes:
        return None
    panels = [found.figure(f"axis-{axis.name}", f"{found.score} along {words(axis.name)}") for axis in axes]
    caption = f"The {found.score} of every trial along each axis, with the median and the best of each value"
    return Section(
        "Along each axis",
        (
            *_scatter(found),
            *found.figures(caption, *panels),
            *(block for axis in axes for block in paragraph(_mean(found, axis), _best(found, axis))),
            *_values(found),
        ),
    )


def _scatter(found: Findings) -> tuple[Figures, ...]:
    # As the figure itself chooses; which axes vary does not depend on how many points are drawn.
    varying = [axis.name for axis in board(found.data, 2).axes if axis.varies]
    x, color = first_choice(varying, correlation(found.data, "spearman"))
    by = f", coloured by {words(color)}" if color else ""
    drawn = found.figure("scatter", f"{found.score} against {words(x)}")
    return found.figures(f"The {found.score} of every trial against {words(x)}{by}", drawn)


def _mean(found: Findings, axis: AxisEffect) -> str:
    name, score = words(axis.name), found.score
    values = axis.values
    first, last = values[0], values[-1]
    lowest, highest = min(values, key=lambda one: one.mean), max(values, key=lambda one: one.mean)
    ends = f"from {_at(first)} to {_at(last)}"
    told = {
        "rises": f"Along {name} the mean {score} rises {ends}.",
        "falls": f"Along {name} the mean {score} falls {ends}.",
        "peaks": f"Along {name} the mean {score} has its peak between the ends, {_at(highest)}, and goes {ends}.",
        "dips": f"Along {name} the mean {score} has its lowest between the ends, {_at(lowest)}, and goes {ends}.",
        "varies": f"Along {name} the mean {score} goes up and down, between {_at(lowest)} and {_at(highest)}.",
    }.get(axis.shape)
    if told:
        return told
    if lowest.mean == highest.mean:
        return f"The mean {score} is the same at every value of {name}, {brief_text(lowest.mean)}."
    best, worst = (f"{one.text} ({brief_text(one.mean)})" for one in (highest, lowest))
    return f"Of the values of {name}, the mean {score} is highest with {best} and lowest with {worst}."


def _at(value: ValueEffect) -> str:
    return f"{brief_text(value.mean)} at {value.text}"


def _best(found: Findings, axis: AxisEffect) -> str:
    known = [(value.best, value.text) for value in axis.values if value.best is not None]
    if len(known) < 2:
        return ""
    order = sorted(known, key=lambda one: one[0], reverse=found.effects.highest)
    (best, best_value), (worst, worst_value) = order[0], order[-1]
    if best == worst:
        return f"Every value reaches the same best, {brief_text(best)}."
    same = sum(score == best for score, _ in known)
    which = best_value if same == 1 else f"{same} of its values"
    first = "The best mean of a point" if found.unit == "point" else "The best of all"
    least = "the same to so many digits" if brief_text(best) == brief_text(worst) else brief_text(worst)
    return f"{first}, {brief_text(best)}, is reached with {which}; with {worst_value} the best is {least}."


def _values(found: Findings) -> Iterator[Table]:
    effects = found.effects
    repeated = any(value.interval is not None for axis in effects.axes for value in axis.values)
    rows = []
    for axis in effects.axes:
        for place, value in enumerate(axis.values[:_MOST_VALUES]):
            rows.append(
                [
                    words(axis.name) if place == 0 else "",
                    value.text,
                    f"{value.n:,}",
                    score_text(value.mean),
                    *([score_text(value.interval)] if repeated else []),
                    score_text(value.deviation),
                    score_text(value.median),
                    score_text(value.best),
                ]
            )
    headings = ["axis", "value", "n", "mean", *(["effect ±"] if repeated else []), "deviation", "median", "best"]
    left = any(len(axis.values) > _MOST_VALUES for axis in effects.axes)
    caption = f"The {found.score} at each value of each axis, over all values of the others" + (
        f"; of an axis with more values the first {_MOST_VALUES}" if left else ""
    )
    interval = "; “effect ±” is half the 95 % interval of the mean's distance from the mean of all" if repeated else ""
    yield Table(Grid(headings, [False, False, *[True] * (len(headings) - 2)], rows), caption + interval)
