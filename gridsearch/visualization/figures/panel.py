"""The score against one axis: every trial, the median and the best of each value, and what is tied with the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.effects import AxisEffect
from gridsearch.analysis.labels import score_text
from gridsearch.analysis.plots import are_shares
from gridsearch.analysis.scatter import Board, BoardAxis
from gridsearch.visualization.figures.scatter import layout_for
from gridsearch.visualization.theme import INK, NEUTRAL, POINT_EDGE, VALIDATION, band_look, plain

_HEIGHT_PX = 300
#: What a panel shows beside all scores: the better half of them, and the error on a logarithmic axis.
VIEWS = ("all", "better", "error")


def panel_figure(board: Board, effect: AxisEffect, tied: tuple[float, float] | None) -> go.Figure:
    """Return the panel of an axis.

    Args:
        board: The trials.
        effect: What the axis does.
        tied: The lowest and the highest score of those that are tied for the best; None where there is no best.

    Returns:
        Its layout's `meta` has the y axis of each of the `VIEWS` that there is.
    """
    axis = board.axis(effect.name)
    place = axis.placement
    values = [value for value in effect.values if effect.ranges or value.key in place.positions]
    at = middles(axis, [value.n for value in values]) if effect.ranges else [place.positions[v.key] for v in values]
    figure = go.Figure()
    figure.add_scatter(
        x=list(axis.drawn),
        y=list(board.scores),
        mode="markers",
        name="trials",
        marker={"color": NEUTRAL, "size": 5 if len(board.trials) > 100 else 7, "line": POINT_EDGE},
        customdata=[_hover(board, axis, place) for place in range(len(board.trials))],
        hovertemplate="%{customdata}<extra></extra>",
        meta={"points": True},
    )
    for name, scores, dash, color in (
        ("median", [value.median for value in values], "solid", INK),
        ("best", [value.best for value in values], "dot", VALIDATION),
    ):
        figure.add_scatter(
            x=at,
            y=scores,
            mode="lines+markers" if place.scale != "category" else "markers",
            name=name,
            line={"color": color, "width": 2, "dash": dash},
            marker={
                "color": color,
                "size": 8,
                "symbol": "line-ew" if place.scale == "category" else "circle",
                "line": {"width": 3 if place.scale == "category" else 0, "color": color},
            },
            customdata=[plain(value.text) for value in values],
            hovertemplate=f"{name} of " + "%{customdata}: %{y:.6g}<extra></extra>",
        )
    layout = layout_for(axis, board)
    views = _views(board, tied)
    layout |= {"height": _HEIGHT_PX, "showlegend": False, "margin": {"l": 56, "r": 12, "t": 12, "b": 48}, "meta": views}
    layout["yaxis"] = layout["yaxis"] | {"title": {"text": plain(board.objective.title), "font": {"size": 12}}}
    if tied is not None and tied[0] < tied[1]:
        figure.add_hrect(
            y0=tied[0], y1=tied[1], layer="below", name="tied with the best", showlegend=True, **band_look()
        )
    figure.update_layout(layout)
    return figure


def middles(axis: BoardAxis, counts: Sequence[int]) -> list[float]:
    """Return the middle of each range of values of an axis of numbers, given how many trials lie in each, ascending.

    Where not all trials are drawn, ranges hold the same shares of those that are.
    """
    positions = axis.placement.positions
    drawn = sorted(positions[text] for text in axis.true)
    ends = [round(total * len(drawn) / sum(counts)) for total in accumulate(counts, initial=0)]
    made = []
    for start, end in pairwise(ends):
        low, high = drawn[min(start, len(drawn) - 1)], drawn[max(start, end - 1)]
        made.append(math.sqrt(low * high) if axis.placement.scale == "log" else (low + high) / 2)
    return made


def _hover(board: Board, axis: BoardAxis, place: int) -> str:
    name = plain(axis.name.replace("_", " "))
    score, trial = score_text(board.scores[place]), board.trials[place][:8]
    return f"<b>{score}</b><br>{name} {plain(axis.true[place])}<br>trial {trial}"


def _views(board: Board, tied: tuple[float, float] | None) -> dict[str, Any]:
    """Return the y axis of each view: all scores; from the median to the best; the error of shares, logarithmic."""
    scores = sorted(board.scores, reverse=board.objective.highest)
    views: dict[str, Any] = {"all": {}}
    if len(scores) >= 4:
        best, middle = scores[0], scores[len(scores) // 2]
        if best != middle:
            margin = 0.06 * (best - middle)
            views["better"] = {"range": sorted([middle - margin, best + margin]), "autorange": False}
    if board.objective.is_share and board.objective.highest and are_shares(board.scores):
        errors = [1 - score for score in board.scores if score < 1]
        if len(set(errors)) > 1:
            views["error"] = {"ticks": _error_ticks(errors), "floor": min(errors) / 2}
    return views


def _error_ticks(errors: Sequence[float]) -> list[float]:
    low, high = math.floor(math.log10(min(errors))), math.ceil(math.log10(max(errors)))
    return [factor * 10.0**power for power in range(low, high + 1) for factor in (1, 2, 5)]
