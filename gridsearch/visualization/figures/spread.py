"""The scores of the best points, repeat by repeat, with their means."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from gridsearch.analysis.labels import score_text
from gridsearch.analysis.spread import PointSpread
from gridsearch.config.sections import Objective
from gridsearch.visualization.theme import INK, NEUTRAL, POINT_EDGE, TEMPLATE, plain

_HEIGHT_PX = 360


def spread_figure(found: Sequence[PointSpread], objective: Objective) -> go.Figure:
    """Return a dot for each score of each point, and a line at each mean."""
    dots = [(point, place) for point in found for place in range(len(point.scores))]
    figure = go.Figure()
    figure.add_scatter(
        x=[point.rank for point, _ in dots],
        y=[point.scores[place] for point, place in dots],
        mode="markers",
        name="a training",
        marker={"color": NEUTRAL, "size": 8, "line": POINT_EDGE},
        customdata=[_hover(point, place) for point, place in dots],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_scatter(
        x=[point.rank for point in found],
        y=[point.mean for point in found],
        mode="markers",
        name="mean",
        marker={"symbol": "line-ew", "size": 16, "line": {"width": 3, "color": INK}, "color": INK},
        hovertemplate="mean of rank %{x}: %{y:.6g}<extra></extra>",
    )
    figure.update_layout(
        template=TEMPLATE,
        height=_HEIGHT_PX,
        xaxis={"title": {"text": "rank"}, "dtick": 1, "showgrid": False, "range": [0.4, len(found) + 0.6]},
        yaxis={"title": {"text": plain(objective.title)}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"t": 40},
    )
    return figure


def _hover(point: PointSpread, place: int) -> str:
    settings = [f"{plain(name)} = {plain(value)}" for name, value in point.settings]
    head = f"<b>{score_text(point.scores[place])}</b>, {plain(point.repeats[place])}"
    return "<br>".join([head, *settings, f"trial {point.trials[place][:8]}"])
