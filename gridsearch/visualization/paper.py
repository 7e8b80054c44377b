"""A job's figures as files for a paper: every one of its page, in widths and letters that fit a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import plotly.graph_objects as go

from gridsearch.analysis.cells import cells
from gridsearch.analysis.choices import Within
from gridsearch.analysis.comparison import comparisons
from gridsearch.analysis.correlation import FEWEST, METHODS, correlation
from gridsearch.analysis.costs import costs
from gridsearch.analysis.curves import curves
from gridsearch.analysis.effects import effects
from gridsearch.analysis.evaluated_points import evaluated_points
from gridsearch.analysis.factors import design
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.plots import plots_of
from gridsearch.analysis.scatter import Board, board
from gridsearch.analysis.spread import spreads
from gridsearch.analysis.standings import Standings, standings
from gridsearch.analysis.ties import ties
from gridsearch.paths import file_stem
from gridsearch.visualization.figures.cells import cells_figure
from gridsearch.visualization.figures.comparison import compared_figure
from gridsearch.visualization.figures.confusion import confusion_figure
from gridsearch.visualization.figures.cost import cost_figure
from gridsearch.visualization.figures.curves import curves_figure
from gridsearch.visualization.figures.heatmap import heatmap_figure
from gridsearch.visualization.figures.panel import panel_figure
from gridsearch.visualization.figures.parallel import parallel_figure
from gridsearch.visualization.figures.scatter import scatter_figure
from gridsearch.visualization.figures.shares import shares_figure
from gridsearch.visualization.figures.short_texts import shorten, width_px
from gridsearch.visualization.figures.spread import spread_figure
from gridsearch.visualization.figures.together import together_figure
from gridsearch.visualization.first_choice import first_choice
from gridsearch.visualization.page import MOST_PLOTS, MOST_POINTS

#: A pixel of a browser is so many millimetres: 96 to the inch.
_MM = 25.4 / 96
#: Figures are laid out for screens, with letters of 12 to 13 pixels. Scaled so, these are 7.5 to 8 points on paper.
_SCALE = 0.83
#: A plot is not higher than so much of its width; what has a row for each of its values is as high as these need.
_HIGHEST = 0.78
#: Beside matrices and bars: what has panels below each other, or long headings.
_BY_ROWS = ("curves", "parallel")
#: Embedded in a paper, the letters of papers.
_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

#: On a page the key of panels stands above them all.
_KEY = {
    "showlegend": True,
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    "margin": {"t": 40},
}

#: Widths in millimetres: a column of two, and both of them.
WIDTHS = {"column": 85.0, "page": 175.0}
#: The narrowest in which labels still stand beside each other, and the widest page.
NARROWEST, WIDEST = 50.0, 1000.0


@dataclass(frozen=True, eq=False)
class PaperFigure:
    """A figure as a file will have it.

    Attributes:
        name: The name of its file, without an ending.
        figure: The figure.
        width: Its width as it is laid out, px.
        height: Its height, px.
        scale: What both are multiplied by, to be of the size asked for on paper.
    """

    name: str
    figure: go.Figure
    width: int
    height: int
    scale: float = _SCALE


def paper_figures(data: JobData, width: float) -> Iterator[PaperFigure]:
    """Yield every figure of a job's page.

    Args:
        data: The job; its curves must be at hand (`load_to_show`).
        width: How wide they are on paper, mm. Panels of curves stand three in a row and are as wide as a page at least.
    """
    for name, figure in _figures(data, round(width / _MM / _SCALE)):
        wide = max(width, WIDTHS["page"]) if name.startswith("curves") else width
        made = round(wide / _MM / _SCALE)
        height, labels = int(figure.layout.height), _turned(shorten(figure), made)
        by_rows = any(trace.type in ("heatmap", "bar") for trace in figure.data) or name.startswith(_BY_ROWS)
        figure.update_layout(font={"family": _FONT})
        stem = f"{file_stem(data.job.name)}-{file_stem(name)}"
        yield PaperFigure(stem, figure, made, labels + (height if by_rows else min(height, round(_HIGHEST * made))))


def _turned(figure: go.Figure, width: int) -> int:
    """Turn the labels below a figure where they have no room beside each other; return how much room they need then."""
    needed = 0
    for axis in figure.select_xaxes():
        found = [trace.x for trace in figure.data if trace.type == "heatmap" and isinstance(trace.x[0], str)]
        labels = axis.ticktext or (found[0] if found else ())
        if axis.tickangle is None and width_px(labels) > 0.75 * width / max(1, len(labels)):
            axis.tickangle = -90
            needed = max(needed, round(width_px(labels)))
    return needed


def _figures(data: JobData, width: int) -> Iterator[tuple[str, go.Figure]]:
    order = standings(data)
    points = board(data, MOST_POINTS)
    yield from _of_effects(data)
    for one in costs(data, points.trials) if points.trials else ():
        yield f"cost-{one.name}", cost_figure(points, one)
    varying = [axis.name for axis in points.axes if axis.varies]
    x, color = first_choice(varying, correlation(data, "spearman"))
    if x:
        yield "scatter", scatter_figure(points, x, color or None)
    drawn = curves(data, order, ties(data))
    for plot in drawn.plots[:MOST_PLOTS]:
        yield f"curves-{plot.metric}", curves_figure(drawn, plot.metric)
        yield f"together-{plot.metric}", together_figure(drawn, plot.metric)
    compared = comparisons(data, order)
    for plot in plots_of(data.job.record, [curve for one in compared for curve in one.curves])[:MOST_PLOTS]:
        for along in compared:
            yield f"compared-{along.axis}-{plot.metric}", compared_figure(along, plot, training=False)
    yield from _of_trials(data, order, points, width)
    for method in METHODS:
        coefficients = correlation(data, method)
        if len(coefficients.names) > 1 and coefficients.n >= FEWEST:
            yield f"correlation-{method}", heatmap_figure(coefficients)
    tries = evaluated_points(data, order)
    if tries and tries[0].first.scores.accuracy is not None and not tries[0].together.many:
        yield "confusion", confusion_figure(tries[0].together, width)


def _of_trials(data: JobData, order: Standings, points: Board, width: int) -> Iterator[tuple[str, go.Figure]]:
    """Yield what shows trials one by one: the spread over repeats and folds, and parallel coordinates."""
    if apart := spreads(data, order):
        yield "spread", spread_figure(apart, data.objective)
    if points.varying:
        yield "parallel", parallel_figure(points, width)


def _of_effects(data: JobData) -> Iterator[tuple[str, go.Figure]]:
    """Yield what matters: shares of the variance, a panel for each axis, the cells of each pair."""
    found = effects(data)
    if found.axes and found.rest is not None:
        yield "effects", shares_figure(found)
        fewest = found.n
        parts: tuple[Within, ...] = ("half", "quarter")
        for within in parts:
            part = effects(data, within)
            if part.n < fewest and part.rest is not None:
                fewest = part.n
                yield f"effects-better-{within}", shares_figure(part)
    points = board(data, MOST_POINTS)
    varying = {axis.name for axis in points.varying}
    tied = ties(data)
    band = None if tied is None else (min(tied.lowest, tied.best.score), max(tied.lowest, tied.best.score))
    for axis in found.axes:
        if axis.name in varying:
            yield f"axis-{axis.name}", panel_figure(points, axis, band).update_layout(_KEY)
    runs, objective = design(data), data.objective
    sizes = {axis.name: len(axis.values) for axis in found.axes}
    names = [axis.name for axis in found.axes]
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            rows, columns = sorted((one, other), key=lambda name: sizes[name])
            pair = cells(runs, rows, columns)
            yield (
                f"pair-{rows}-{columns}",
                cells_figure(pair, "means", title=objective.title, highest=objective.highest),
            )
            yield (
                f"pair-{rows}-{columns}-best",
                cells_figure(pair, "bests", title=objective.title, highest=objective.highest),
            )
