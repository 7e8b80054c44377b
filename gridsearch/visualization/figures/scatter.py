"""The score against an axis, coloured by another (Figures 2.1 to 2.3).

A figure is put together from parts: a layout that depends on the x axis alone and markers that depend on the
colour alone. A page holds each part once and its script joins them as `scatter_figure` does; a test compares
the two.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.labels import score_text
from gridsearch.analysis.plots import are_shares, spans_widely
from gridsearch.analysis.scatter import Board, BoardAxis
from gridsearch.visualization.figures.axis_ticks import axis_ticks
from gridsearch.visualization.figures.value_axis import logarithmic, notation
from gridsearch.visualization.theme import NEUTRAL, POINT_EDGE, SHARE_AXIS, TEMPLATE, level_markers, plain

_HEIGHT_PX = 460
_HOVER = "%{customdata}<extra></extra>"


def scatter_figure(board: Board, x: str, color: str | None = None) -> go.Figure:
    """Return the score of every trial against the axis `x`, coloured by the axis `color`."""
    axis = board.axis(x)
    parts = color_parts(None if color is None else board.axis(color), len(board.trials))
    group = [0] * len(board.trials) if color is None else board.axis(color).group
    texts = hover_texts(board)
    figure = go.Figure(layout=layout_for(axis, board))
    for index, trace in enumerate(parts["traces"]):
        members = [place for place, own in enumerate(group) if own == index]
        figure.add_scatter(
            x=[axis.drawn[place] for place in members],
            y=[board.scores[place] for place in members],
            customdata=[texts[place] for place in members],
            **trace,
        )
    figure.update_layout(legend_title_text=parts["title"], showlegend=bool(parts["title"]))
    return figure


def layout_for(axis: BoardAxis, board: Board) -> dict[str, Any]:
    """Return the layout of a figure with this x axis."""
    place = axis.placement
    ticks, labels = axis_ticks(axis)
    return {
        "template": TEMPLATE,
        "height": _HEIGHT_PX,
        "hovermode": "closest",
        "xaxis": {
            "type": "log" if place.scale == "log" else "linear",
            "title": {"text": plain(axis.title)},
            "range": list(place.span),
            "tickmode": "array",
            "tickvals": ticks,
            "ticktext": labels,
            "showgrid": False,
        },
        "yaxis": {"title": {"text": plain(board.objective.title)}} | score_axis(board),
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
        "margin": {"t": 48},
        "meta": {"continuous": axis.continuous},
        "uirevision": f"{axis.name} {len(board.trials)}",
    }


def score_axis(board: Board) -> dict[str, Any]:
    """Return the axis of the scores; shares keep their bounds, and what is far apart stands on a logarithmic scale."""
    objective, scores = board.objective, board.scores
    if objective.is_share and are_shares(scores):
        # Where all are the same, plotly would draw shares up to 2.
        return SHARE_AXIS
    if spans_widely(scores, objective.direction):
        return logarithmic(scores)
    return notation(scores)


def color_parts(axis: BoardAxis | None, count: int) -> dict[str, Any]:
    """Return the legend's title and one empty trace for each level of the colour.

    Args:
        axis: The axis that colours points; None for one colour.
        count: The number of trials; markers shrink if there are many.
    """
    size = 10 if count <= 100 else 8 if count <= 1500 else 5
    if axis is None:
        return {
            "title": "",
            "traces": [_trace("trials", {"color": NEUTRAL, "symbol": "circle", "size": size})],
        }
    markers = level_markers(len(axis.levels.labels), ordered=axis.levels.ordered)
    traces = [
        _trace(plain(name), marker | {"size": size}) for name, marker in zip(axis.levels.labels, markers, strict=True)
    ]
    return {"title": plain(axis.name.replace("_", " ")), "traces": traces}


def hover_texts(board: Board) -> list[str]:
    """Return what a point says when pointed at: the true values, the score, and the trial."""
    names = [plain(axis.name) for axis in board.axes]
    texts = []
    for place, trial in enumerate(board.trials):
        settings = [f"{name} = {plain(axis.true[place])}" for name, axis in zip(names, board.axes, strict=True)]
        score = f"<b>{board.objective.heading} {score_text(board.scores[place])}</b>"
        texts.append("<br>".join([score, *settings, f"trial {trial[:8]}"]))
    return texts


def _trace(name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "marker": {"line": POINT_EDGE} | marker,
        "hovertemplate": _HOVER,
    }
