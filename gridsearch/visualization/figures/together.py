"""The curves of the best, the runner-up, the cheapest as good, the median and the worst, laid over each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves
from gridsearch.analysis.labels import score_text
from gridsearch.analysis.plots import Plot, plot_named
from gridsearch.analysis.roles import ROLES, Band, RoleCurves
from gridsearch.visualization.figures.comparison import axes_of_overlaid
from gridsearch.visualization.figures.curves import epochs_axis, line_mode, outcome
from gridsearch.visualization.figures.short_numbers import short_numbers
from gridsearch.visualization.figures.value_axis import Axes
from gridsearch.visualization.theme import BAND_EDGE_PX, TEMPLATE, band_color, level_markers, plain

_HEIGHT_PX = 420
#: Of more trainings of a point than this single lines are a thicket: their band is drawn, and their mean.
_MOST_SINGLE = 10
#: A role has the same colour in every job, whichever others are there.
_COLORS = {role: marker["color"] for role, marker in zip(ROLES, level_markers(len(ROLES), ordered=False), strict=True)}


@dataclass(frozen=True, slots=True)
class _Look:
    """What all traces of a place have in common."""

    of: RoleCurves
    color: str
    name: str

    @property
    def common(self) -> dict[str, Any]:
        return {"legendgroup": self.of.name, "connectgaps": True}


def together_figure(curves: Curves, metric: str | None = None, *, log: bool = True) -> go.Figure:
    """Plot a line for each: of points with several trainings the mean, the band from the lowest to the highest, and
    the single trainings, thin.

    Args:
        curves: The curves.
        metric: Which metric to draw, with that of the training dotted, where it was recorded; by default the first of
            `curves.plots`.
        log: Draw it on a logarithmic scale where it has one.

    Returns:
        The layout's `meta` holds the vertical axis by its scale.

    Raises:
        TableError: There are no curves of this metric.
    """
    plot = plot_named(curves.plots, metric)
    traces = [trace for one in reversed(curves.named) for trace in _traces(one, plot)] if plot else []
    axes = _axes(curves, plot) if plot else {"linear": {}}
    last = max((epoch for one in curves.named for epoch in one.curve.epochs), default=0)
    layout = {
        "template": TEMPLATE,
        "height": _HEIGHT_PX,
        "hovermode": "closest",
        "xaxis": {"title": {"text": "epoch"}} | epochs_axis(last),
        "yaxis": {"title": {"text": plain(plot.title) if plot else ""}}
        | axes.get("log" if log else "linear", axes["linear"]),
        # What is best is drawn last, on top of the others, and named first.
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "reversed"},
        "showlegend": True,
        "margin": {"t": 56},
        "meta": axes,
    }
    return go.Figure(traces, layout)


def _axes(curves: Curves, plot: Plot) -> Axes:
    drawn = [curve for one in curves.named for curve in (one.curve, *one.repeats)]
    return axes_of_overlaid(plot, drawn, plot.metrics)


def _traces(one: RoleCurves, plot: Plot) -> Iterator[go.Scatter]:
    look = _Look(one, _COLORS[one.roles[0]], f"{plain(one.name)} · #{one.curve.rank}")
    band = one.band(plot.metric)
    if band is None:
        if plot.counterpart:
            yield _single(one.curve, plot.counterpart, look, dash="dot")
        yield _single(one.curve, plot.metric, look)
        return
    yield from _bounds(band, look)
    if len(one.repeats) <= _MOST_SINGLE:
        for curve in one.repeats:
            yield _single(curve, plot.metric, look, thin=True)
    if plot.counterpart and (training := one.band(plot.counterpart)) is not None:
        yield _mean(training, plot.counterpart, look, dash="dot")
    yield _mean(band, plot.metric, look)


def _bounds(band: Band, look: _Look) -> Iterator[go.Scatter]:
    """Yield the lowest and the highest, and between them the band."""
    for values, name, fill in ((band.low, "lowest", "none"), (band.high, "highest", "tonexty")):
        yield go.Scatter(
            x=list(band.epochs),
            y=short_numbers(values),
            mode="lines",
            line={"width": BAND_EDGE_PX, "color": look.color},
            fill=fill,
            fillcolor=band_color(look.color),
            name=f"{look.name}, {name}",
            showlegend=False,
            hoverinfo="skip",
            **look.common,
        )


def _mean(band: Band, metric: str, look: _Look, *, dash: str = "solid") -> go.Scatter:
    low, high = short_numbers(band.low), short_numbers(band.high)
    return go.Scatter(
        x=list(band.epochs),
        y=short_numbers(band.mean),
        mode="lines" if len(band.epochs) > 1 else "markers",
        line={"color": look.color, "width": 2.6 if dash == "solid" else 1.3, "dash": dash},
        name=f"{look.name}, mean of {band.count}",
        showlegend=dash == "solid",
        text=[f"from {low[place]:.4g} to {high[place]:.4g}" for place in range(len(band.epochs))],
        hovertemplate=f"{_head(look.of, look.of.curve.of_point)}<br>mean of {band.count} trainings"
        f"<br>epoch %{{x}}, {_words(metric)} %{{y:.4g}}<br>%{{text}}<extra></extra>",
        **look.common,
    )


def _single(curve: Curve, metric: str, look: _Look, *, dash: str = "solid", thin: bool = False) -> go.Scatter:
    drawn = ", ".join(f"{plain(name.replace('_', ' '))} {plain(value)}" for name, value in curve.repeat)
    score = outcome(curve) if curve.diverged_epoch is not None else score_text(curve.score) or "no score"
    told = "<br>".join(filter(None, [_head(look.of, score), drawn, f"trial {curve.trial[:8]}"]))
    return go.Scatter(
        x=list(curve.epochs),
        y=short_numbers(curve.metric(metric)),
        mode=line_mode(curve, metric),
        line={"color": look.color, "width": 1 if thin else 2.4 if dash == "solid" else 1.3, "dash": dash},
        name=f"{look.name}, {drawn}" if drawn else look.name,
        showlegend=not thin and dash == "solid",
        # As a text of its own it stands once on a page, whatever metric is drawn.
        text=told,
        hovertemplate=f"%{{text}}<br>epoch %{{x}}, {_words(metric)} %{{y:.4g}}<extra></extra>",
        **look.common,
    )


def _head(one: RoleCurves, score: str) -> str:
    """Return what stands above a point's numbers: its roles, its rank and score, and its settings."""
    settings = [f"{plain(name)} = {plain(value)}" for name, value in one.curve.settings if value]
    return "<br>".join([f"<b>{plain(one.name)}</b> #{one.curve.rank} ({score})", *settings])


def _words(metric: str) -> str:
    return plain(metric.replace("_", " "))
