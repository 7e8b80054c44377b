"""Curves of several trials in one figure, coloured by the value of an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.comparison import Comparison
from gridsearch.analysis.curve import Curve
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.labels import score_text
from gridsearch.analysis.plots import Plot, plot_named
from gridsearch.visualization.figures.curves import epochs_axis, line_mode
from gridsearch.visualization.figures.short_numbers import short_numbers
from gridsearch.visualization.figures.value_axis import Axes, value_axes
from gridsearch.visualization.theme import PAPER, TEMPLATE, level_markers, plain

_HEIGHT_PX = 400
#: A loss beyond this multiple of the first ones (of untrained models, where those were measured) is drawn past the
#: edge: it would press all others flat.
_HIGHEST = 4


def comparison_figure(
    found: Comparison, metric: str | None = None, *, training: bool = True, log: bool = True
) -> go.Figure:
    """Plot one validation curve per value, with the training curve dotted in the same colour.

    Args:
        found: The curves.
        metric: Which metric to draw; by default the first of `found.plots`.
        training: Draw the training curves, where there are any.
        log: Draw it on a logarithmic scale where it has one.

    Returns:
        A ring marks where overfitting begins. The layout's `meta` holds the vertical axes of the validation curves and
        of both, by their scale.

    Raises:
        TableError: There are no curves of this metric.
    """
    plot = plot_named(found.plots, metric)
    if plot is None:
        raise TableError(f"no metric has a curve to compare along {found.axis}: it takes two epochs with a value")
    return compared_figure(found, plot, training=training, log=log)


def compared_figure(found: Comparison, plot: Plot, *, training: bool = True, log: bool = True) -> go.Figure:
    """Return the same of a plot that is at hand."""
    markers = level_markers(len(found.values), ordered=found.ordered)
    traces = []
    for value, curve, marker in zip(found.values, found.curves, markers, strict=True):
        look = {
            "name": plain(value),
            "legendgroup": value,
            "color": marker["color"],
            "text": _hover(found, value, curve),
        }
        if training and plot.counterpart:
            traces.append(_line(curve, plot.counterpart, look, dash="dot"))
        traces.append(_line(curve, plot.metric, look))
        if curve.overfit_epoch is not None:
            traces.append(_ring(curve, plot.metric, look))
    axes = {name: axes_of_overlaid(plot, found.curves, names) for name, names in _shown(plot).items()}
    last = max((epoch for curve in found.curves for epoch in curve.epochs), default=0)
    scale = "log" if log and plot.log else "linear"
    layout = {
        "template": TEMPLATE,
        "height": _HEIGHT_PX,
        "hovermode": "closest",
        "xaxis": {"title": {"text": "epoch"}} | epochs_axis(last),
        "yaxis": {"title": {"text": plain(plot.title)}} | axes["both" if training else "validation"][scale],
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
            "title": {"text": plain(found.axis.replace("_", " "))},
        },
        "showlegend": True,
        "margin": {"t": 56},
        "meta": axes,
    }
    return go.Figure(traces, layout)


def _line(curve: Curve, key: str, look: dict[str, Any], *, dash: str = "solid") -> go.Scatter:
    validation = dash == "solid"
    return go.Scatter(
        x=list(curve.epochs),
        y=short_numbers(curve.metric(key)),
        mode=line_mode(curve, key),
        name=look["name"],
        legendgroup=look["legendgroup"],
        showlegend=validation,
        line={"color": look["color"], "width": 2 if validation else 1.3, "dash": dash},
        connectgaps=True,
        text=look["text"],
        hovertemplate=f"%{{text}}<br>epoch %{{x}}, {key.replace('_', ' ')} %{{y:.4g}}<extra></extra>",
        meta="validation" if validation else "training",
    )


def _ring(curve: Curve, key: str, look: dict[str, Any]) -> go.Scatter:
    place = curve.epochs.index(curve.overfit_epoch or 0)
    return go.Scatter(
        x=[curve.overfit_epoch],
        y=[short_numbers(curve.metric(key))[place]],
        mode="markers",
        marker={"color": PAPER, "size": 8, "line": {"color": look["color"], "width": 1.8}},
        legendgroup=look["legendgroup"],
        showlegend=False,
        text=look["text"],
        hovertemplate="%{text}<br>overfits from epoch %{x} on<extra></extra>",
        meta="validation",
    )


def _hover(found: Comparison, value: str, curve: Curve) -> str:
    """Return what stands above a point's numbers: the value, and what else the trial was trained with."""
    named = (*curve.settings, *curve.repeat)
    others = [f"{plain(name)} = {plain(text)}" for name, text in named if name != found.axis]
    outcome = curve.of_point or score_text(curve.score) or "no score"
    return "<br>".join(
        [f"<b>{plain(found.axis)} = {plain(value)}</b> ({outcome})", *others, f"trial {curve.trial[:8]}"]
    )


def _shown(plot: Plot) -> dict[str, tuple[str, ...]]:
    return {"validation": (plot.metric,), "both": plot.metrics}


def axes_of_overlaid(plot: Plot, curves: Sequence[Curve], names: Sequence[str]) -> Axes:
    """Return the vertical axis by its scale for curves laid over each other: none may press the others flat."""
    first = [known[0][1] for curve in curves for name in names if (known := curve.known(name))]
    return value_axes(plot, curves, names, _HIGHEST * median(first) if first else math.inf)
