"""The score against what a trial costs, with the best at each price."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.costs import TITLES, Cost
from gridsearch.analysis.scatter import Board
from gridsearch.visualization.figures.scatter import hover_texts, score_axis
from gridsearch.visualization.theme import NEUTRAL, POINT_EDGE, TEMPLATE, VALIDATION, plain

_HEIGHT_PX = 420
#: Costs that lie further apart than by this factor stand on a logarithmic axis.
_FAR = 30


def cost_figure(board: Board, cost: Cost) -> go.Figure:
    """Return the score of each trial against a cost, with a line along those that none is cheaper and better than."""
    shown = [place for place, value in enumerate(cost.values) if value is not None]
    texts = hover_texts(board)
    size = 9 if len(shown) <= 100 else 7 if len(shown) <= 1500 else 5
    figure = go.Figure(layout=_layout(board, cost))
    figure.add_scatter(
        x=[cost.values[place] for place in shown],
        y=[board.scores[place] for place in shown],
        mode="markers",
        name="trials",
        marker={"color": NEUTRAL, "size": size, "line": POINT_EDGE},
        customdata=[f"{texts[place]}<br>{plain(TITLES[cost.name])}: {cost.values[place]:,.4g}" for place in shown],
        hovertemplate="%{customdata}<extra></extra>",
        meta={"places": shown},
    )
    figure.add_scatter(
        x=[one.value for one in cost.frontier],
        y=[one.score for one in cost.frontier],
        mode="lines+markers",
        name="none is cheaper and better",
        line={"color": VALIDATION, "width": 2, "shape": "hv"},
        marker={"color": VALIDATION, "size": 8, "symbol": "diamond"},
        hoverinfo="skip",
    )
    return figure


def _layout(board: Board, cost: Cost) -> dict[str, Any]:
    known = [value for value in cost.values if value is not None]
    far = min(known) > 0 and max(known) / min(known) > _FAR
    return {
        "template": TEMPLATE,
        "height": _HEIGHT_PX,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": plain(TITLES[cost.name])},
            "type": "log" if far else "linear",
            "exponentformat": "SI",
        }
        | ({"dtick": "D1" if max(known) / min(known) < 1000 else 1} if far else {}),
        "yaxis": {"title": {"text": plain(board.objective.title)}} | score_axis(board),
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"t": 40},
    }
