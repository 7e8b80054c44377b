"""Training and validation loss per epoch, as small multiples (Figures 2.5 to 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gridsearch.analysis.curves import Curve, Curves
from gridsearch.analysis.labels import score_text
from gridsearch.report.figures.loss_axis import loss_axes, trained_values
from gridsearch.report.theme import MUTED, TEMPLATE, TRAIN, VALIDATION, plain

_PANEL_PX = 230
_MOST_TICKS = 6
#: Epochs are whole: so are their ticks.
_EPOCH_STEPS = [lead * 10**power for power in range(6) for lead in (1, 2, 5)]


def curve_figure(curve: Curve, axes: dict[str, dict[str, Any]]) -> go.Figure:
    """Plot one panel, on a logarithmic scale.

    Args:
        curve: The trial's curve.
        axes: The vertical axes of its group (see `shared_axes`).

    Returns:
        The layout's `meta` holds `axes`, for the page's script to switch between them.
    """
    figure = go.Figure(layout={"template": TEMPLATE, "height": _PANEL_PX, "showlegend": False})
    figure.add_traces(_traces(curve))
    figure.update_layout(margin={"l": 48, "r": 10, "t": 8, "b": 40}, hovermode="x unified", meta=axes)
    figure.update_xaxes(title_text="epoch", **_axis_of(curve))
    figure.update_yaxes(title_text=loss_title([curve]), **axes["log"])
    for line in _marks(curve):
        figure.add_vline(**line)
    return figure


def curves_figure(curves: Curves, *, log: bool = True) -> go.Figure:
    """Return all panels in one figure: a row each for the best, the median and the worst."""
    groups = curves.groups
    columns = max((len(members) for _, members in groups), default=1)
    titles = [
        caption(members[place]) if place < len(members) else "" for _, members in groups for place in range(columns)
    ]
    figure = make_subplots(rows=max(1, len(groups)), cols=columns, subplot_titles=titles or None, vertical_spacing=0.16)
    for row, (_, members) in enumerate(groups, start=1):
        axis = shared_axes(members)["log" if log else "linear"]
        for column, curve in enumerate(members, start=1):
            for trace in _traces(curve):
                trace.showlegend = row == 1 and column == 1
                figure.add_trace(trace, row=row, col=column)
            for line in _marks(curve):
                figure.add_vline(**line, row=row, col=column)
            figure.update_xaxes(title_text="epoch", **_axis_of(curve), row=row, col=column)
            figure.update_yaxes(**axis, row=row, col=column)
        figure.update_yaxes(title_text=loss_title(members), row=row, col=1)
    figure.update_annotations(font={"size": 12, "color": MUTED})
    figure.update_layout(template=TEMPLATE, height=110 + 320 * max(1, len(groups)), margin={"t": 110})
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.0, "yref": "container", "yanchor": "top"})
    return figure


def loss_title(curves: Sequence[Curve]) -> str:
    """Return the title of an axis of losses: of classes they are cross-entropies."""
    classes = any(value is not None for curve in curves for value in (*curve.train_accuracy, *curve.val_accuracy))
    return "loss (nats)" if classes and not any(name == "loss" for name, _ in curves[0].settings) else "loss"


def shared_axes(curves: Sequence[Curve]) -> dict[str, dict[str, Any]]:
    """Return the vertical axis that holds all these curves from epoch 1 on, "linear" and "log"."""
    return loss_axes(trained_values(curves, "train_loss", "val_loss"))


def caption(curve: Curve) -> str:
    """Return a panel's title: which trial, and its score; two settings to a line."""
    named = (*curve.settings, *curve.repeat)
    settings = [f"{plain(name.replace('_', ' '))} {plain(value)}" for name, value in named]
    lines = [" · ".join(settings[start : start + 2]) for start in range(0, len(settings), 2)]
    return "<br>".join([f"<b>{curve.group} · #{curve.rank} · {outcome(curve)}</b>", *lines])


def outcome(curve: Curve) -> str:
    """Return the score of a curve's trial (or point, with its spread), or when it diverged."""
    if curve.diverged_epoch is not None:
        return f"diverged in epoch {curve.diverged_epoch}"
    return curve.of_point or score_text(curve.score) or "no score"


def epochs_axis(last: int) -> dict[str, Any]:
    """Return the horizontal axis of curves up to this epoch."""
    step = next((step for step in _EPOCH_STEPS if last / step <= _MOST_TICKS), _EPOCH_STEPS[-1])
    return {"range": [0, max(1, last) * 1.02], "showgrid": False, "tick0": 0, "dtick": step}


def _axis_of(curve: Curve) -> dict[str, Any]:
    return epochs_axis(max((*curve.epochs, curve.diverged_epoch or 0), default=0))


def _marks(curve: Curve) -> list[dict[str, Any]]:
    """Return vertical lines: where overfitting begins, and where the trial diverged."""
    marks = (
        (curve.overfit_epoch, {"color": MUTED, "width": 1.2, "dash": "6px,4px"}),
        (curve.diverged_epoch, {"color": VALIDATION, "width": 1, "dash": "dot"}),
    )
    return [{"x": epoch, "line": line, "layer": "below"} for epoch, line in marks if epoch is not None]


def _traces(curve: Curve) -> list[go.Scatter]:
    """Return the two lines, the dotted one on top so that both show where they agree, and the ring."""
    mode = "lines" if len(curve.epochs) > 2 else "lines+markers"
    hover = "%{y:.4g}"
    made = [
        _line(curve, curve.val_loss, "validation", {"color": VALIDATION, "width": 2.2}),
        _line(curve, curve.train_loss, "training", {"color": TRAIN, "width": 1.8, "dash": "dot"}),
    ]
    for trace in made:
        trace.update(mode=mode, hovertemplate=hover)
    if curve.lowest_epoch is not None:
        place = curve.epochs.index(curve.lowest_epoch)
        ring = {"color": "#ffffff", "size": 7, "line": {"color": VALIDATION, "width": 1.6}}
        made.append(
            go.Scatter(
                x=[curve.lowest_epoch],
                y=[curve.val_loss[place]],
                mode="markers",
                marker=ring,
                name="lowest validation loss",
                hoverinfo="skip",
            )
        )
    return made


def _line(curve: Curve, values: Sequence[float | None], name: str, line: dict[str, Any]) -> go.Scatter:
    return go.Scatter(x=list(curve.epochs), y=list(values), name=name, line=line, connectgaps=False)
