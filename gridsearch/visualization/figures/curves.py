"""A metric per epoch, of training and validation, as small multiples (Figures 2.5 to 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves
from gridsearch.analysis.labels import score_text
from gridsearch.analysis.plots import Plot, plot_named
from gridsearch.visualization.figures.value_axis import Axes, value_axes
from gridsearch.visualization.theme import MUTED, PAPER, TEMPLATE, TRAIN, VALIDATION, plain

_PANEL_PX = 230
_MOST_TICKS = 6
#: Values of a curve that are marked one by one.
_FEW = 2
#: A line from the bottom of a plot to its top, as `add_vline` draws it.
_VERTICAL = {"type": "line", "xref": "x", "yref": "y domain", "y0": 0, "y1": 1, "layer": "below"}
#: Epochs are whole: so are their ticks.
_EPOCH_STEPS = [lead * 10**power for power in range(6) for lead in (1, 2, 5)]


def curve_figure(curve: Curve, plot: Plot, axes: Axes) -> go.Figure:
    """Plot one panel, on a logarithmic scale where there is one.

    Args:
        curve: The trial's curve.
        plot: What is drawn of it.
        axes: The vertical axes of its group (see `shared_axes`).

    Returns:
        The layout's `meta` holds `axes`, for the page's script to switch between them.
    """
    # All at once: a page has very many panels, and plotly takes long for each change.
    layout = {
        "template": TEMPLATE,
        "height": _PANEL_PX,
        "showlegend": False,
        "margin": {"l": 48, "r": 10, "t": 8, "b": 40},
        "hovermode": "x unified",
        "meta": axes,
        "xaxis": {"title": {"text": "epoch"}} | _axis_of(curve),
        "yaxis": {"title": {"text": plain(plot.title)}} | axes.get("log", axes["linear"]),
        "shapes": [_VERTICAL | {"x0": one["x"], "x1": one["x"], "line": one["line"]} for one in _marks(curve)],
    }
    return go.Figure(_traces(curve, plot), layout)


def curves_figure(curves: Curves, metric: str | None = None, *, log: bool = True) -> go.Figure:
    """Return all panels in one figure: a row each for the best, the median and the worst.

    Args:
        curves: The curves.
        metric: Which metric to draw, with that of the training where it was recorded; by default the first of
            `curves.plots`.
        log: Draw it on a logarithmic scale where it has one.

    Raises:
        TableError: There are no curves of this metric.
    """
    groups, plot = curves.groups, plot_named(curves.plots, metric)
    columns = max((len(members) for _, members in groups), default=1)
    titles = [
        caption(members[place]) if place < len(members) else "" for _, members in groups for place in range(columns)
    ]
    figure = make_subplots(rows=max(1, len(groups)), cols=columns, subplot_titles=titles or None, vertical_spacing=0.16)
    for row, (_, members) in enumerate(groups, start=1):
        axes = shared_axes(members, plot) if plot else {}
        for column, curve in enumerate(members, start=1):
            for trace in _traces(curve, plot) if plot else ():
                trace.showlegend = row == 1 and column == 1
                figure.add_trace(trace, row=row, col=column)
            for line in _marks(curve):
                figure.add_vline(**line, row=row, col=column)
            figure.update_xaxes(title_text="epoch", **_axis_of(curve), row=row, col=column)
            figure.update_yaxes(**axes.get("log" if log else "linear", axes.get("linear", {})), row=row, col=column)
        figure.update_yaxes(title_text=plain(plot.title) if plot else None, row=row, col=1)
    figure.update_annotations(font={"size": 12, "color": MUTED})
    figure.update_layout(template=TEMPLATE, height=110 + 320 * max(1, len(groups)), margin={"t": 110})
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.0, "yref": "container", "yanchor": "top"})
    return figure


def shared_axes(curves: Sequence[Curve], plot: Plot) -> Axes:
    """Return the vertical axis that holds all these curves from epoch 1 on, by its scale."""
    return value_axes(plot, curves, plot.metrics)


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


def _traces(curve: Curve, plot: Plot) -> list[go.Scatter]:
    """Return its lines, the dotted one on top so that both show where they agree, and a ring at the best value."""
    look = {"color": TRAIN if plot.of_training else VALIDATION, "width": 2.2}
    made = [_line(curve, plot.metric, plot.line, look)]
    if plot.counterpart:
        made.append(_line(curve, plot.counterpart, "training", {"color": TRAIN, "width": 1.8, "dash": "dot"}))
    best = plot.best_epoch(curve)
    if best is not None:
        ring = {"color": PAPER, "size": 7, "line": {"color": look["color"], "width": 1.6}}
        made.append(
            go.Scatter(
                x=[best],
                y=[curve.metric(plot.metric)[curve.epochs.index(best)]],
                mode="markers",
                marker=ring,
                name=plain(plot.best_words),
                hoverinfo="skip",
            )
        )
    return made


def _line(curve: Curve, metric: str, name: str, line: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=list(curve.epochs),
        y=list(curve.metric(metric)),
        name=plain(name),
        line=line,
        mode=line_mode(curve, metric),
        hovertemplate="%{y:.4g}",
        connectgaps=True,
    )


def line_mode(curve: Curve, metric: str) -> str:
    """Return how plotly draws a curve: where there are few values they are marked, as a line may be too short to see.

    Epochs without a value are passed over: a training may measure something in every tenth alone.
    """
    return "lines" if len(curve.known(metric)) > _FEW else "lines+markers"
