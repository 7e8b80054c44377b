"""Curves of several trials in one figure, coloured by the value of an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.comparison import Comparison
from gridsearch.analysis.curves import Curve
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.labels import score_text
from gridsearch.errors import nearest
from gridsearch.report.figures.curves import epochs_axis, loss_title
from gridsearch.report.figures.loss_axis import loss_axes, share_axis, trained_values
from gridsearch.report.theme import TEMPLATE, level_markers, plain

#: What can be compared: the metric after training and after validation, and the title of its axis.
METRICS = {
    "val_loss": ("train_loss", "loss (nats)"),
    "val_accuracy": ("train_accuracy", "accuracy"),
}
_HEIGHT_PX = 400
#: A loss beyond this multiple of the untrained models' is drawn past the edge: it would press all others flat.
_HIGHEST = 4
_DIGITS = 5


def comparison_figure(
    found: Comparison, metric: str = "val_loss", *, training: bool = True, log: bool = True
) -> go.Figure:
    """Plot one validation curve per value, with the training curve dotted in the same colour.

    Args:
        found: The curves.
        metric: `val_loss` or `val_accuracy`.
        training: Draw the training curves.
        log: Draw losses on a logarithmic scale.

    Returns:
        A ring marks where overfitting begins. The layout's `meta` holds the vertical axes of the validation curves and
        of both, linear and logarithmic.

    Raises:
        TableError: There is no such metric.
    """
    if metric not in METRICS:
        raise TableError(f"unknown metric {metric!r}{nearest(metric, METRICS)}")
    of_training, title = METRICS[metric]
    title = loss_title(found.curves) if metric == "val_loss" and found.curves else title
    markers = level_markers(len(found.values), ordered=found.ordered)
    figure = go.Figure(layout={"template": TEMPLATE, "height": _HEIGHT_PX, "hovermode": "closest"})
    for value, curve, marker in zip(found.values, found.curves, markers, strict=True):
        look = {
            "name": plain(value),
            "legendgroup": value,
            "color": marker["color"],
            "text": _hover(found, value, curve),
        }
        if training:
            figure.add_trace(_line(curve, of_training, look, dash="dot"))
        figure.add_trace(_line(curve, metric, look))
        if curve.overfit_epoch is not None:
            figure.add_trace(_ring(curve, metric, look))
    shown = {"validation": [metric], "both": [metric, of_training]}
    axes = {name: _axes(found.curves, keys) for name, keys in shown.items()}
    last = max((epoch for curve in found.curves for epoch in curve.epochs), default=0)
    figure.update_xaxes(title_text="epoch", **epochs_axis(last))
    scale = "log" if log and metric.endswith("loss") else "linear"
    figure.update_yaxes(title_text=title, **axes["both" if training else "validation"][scale])
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
    title_text = plain(found.axis.replace("_", " "))
    figure.update_layout(legend=legend, legend_title_text=title_text, showlegend=True, margin={"t": 56}, meta=axes)
    return figure


def _line(curve: Curve, key: str, look: dict[str, Any], *, dash: str = "solid") -> go.Scatter:
    validation = dash == "solid"
    return go.Scatter(
        x=list(curve.epochs),
        y=[_rounded(value) for value in getattr(curve, key)],
        mode="lines" if len(curve.epochs) > 2 else "lines+markers",
        name=look["name"],
        legendgroup=look["legendgroup"],
        showlegend=validation,
        line={"color": look["color"], "width": 2 if validation else 1.3, "dash": dash},
        opacity=1 if validation else 0.75,
        connectgaps=False,
        text=look["text"],
        hovertemplate=f"%{{text}}<br>epoch %{{x}}, {key.replace('_', ' ')} %{{y:.4g}}<extra></extra>",
        meta="validation" if validation else "training",
    )


def _ring(curve: Curve, key: str, look: dict[str, Any]) -> go.Scatter:
    place = curve.epochs.index(curve.overfit_epoch or 0)
    return go.Scatter(
        x=[curve.overfit_epoch],
        y=[_rounded(getattr(curve, key)[place])],
        mode="markers",
        marker={"color": "#ffffff", "size": 8, "line": {"color": look["color"], "width": 1.8}},
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


def _axes(curves: Sequence[Curve], keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    values = trained_values(curves, *keys)
    if not keys[0].endswith("loss"):
        return {"linear": share_axis(values)}
    first = [value for curve in curves for key in keys for value in getattr(curve, key)[:1] if value is not None]
    return loss_axes(values, _HIGHEST * median(first) if first else math.inf)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
