"""What each axis and each pair explains of the variance of the scores, as bars."""

from __future__ import annotations

import plotly.graph_objects as go

from gridsearch.analysis.effects import Effects
from gridsearch.visualization.theme import INK, NEUTRAL, TEMPLATE, VALIDATION, plain

#: How many pairs have a bar.
_MOST_PAIRS = 6
_BAR_PX, _AROUND_PX = 26, 74
#: What three and more axes explain, and chance.
_REST = "#878787"


def shares_figure(found: Effects) -> go.Figure:
    """Return a bar for each axis, for the strongest pairs, and for the rest."""
    axes = [(plain(axis.name.replace("_", " ")), axis.share or 0.0) for axis in found.axes]
    pairs = [(plain(" × ".join(name.replace("_", " ") for name in one.axes)), one.share) for one in found.pairs]
    left = "three and more, and chance" if found.exact else "not explained"
    rest = [(left, found.rest)] if found.rest is not None else []
    repeats = [("repeats of one point", found.repeats)] if found.repeats is not None else []
    groups = [
        ("axes", axes, NEUTRAL),
        ("pairs, beyond each alone", pairs[:_MOST_PAIRS], VALIDATION),
        ("the rest", [*rest, *repeats], _REST),
    ]
    figure = go.Figure()
    for name, bars, color in groups:
        if not bars:
            continue
        figure.add_bar(
            x=[100 * share for _, share in bars],
            y=[label for label, _ in bars],
            orientation="h",
            name=name,
            marker={"color": color},
            text=[f"{100 * share:.1f} %" for _, share in bars],
            textposition="outside",
            cliponaxis=False,
            textfont={"color": INK, "size": 12},
            hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
        )
    count = sum(len(bars) for _, bars, _ in groups)
    longest = max((100 * share for _, bars, _ in groups for _, share in bars), default=1.0)
    title = "share of the variance (%)"
    if not found.exact and found.rest is not None:
        title += ", fitted: need not add up to 100"
    figure.update_layout(
        template=TEMPLATE,
        height=_BAR_PX * count + _AROUND_PX,
        bargap=0.25,
        barmode="overlay",
        margin={"l": 8, "r": 56, "t": 36, "b": 40},
        xaxis={"title": {"text": title}, "range": [0, max(1.0, 1.08 * longest)]},
        yaxis={"autorange": "reversed", "showgrid": False, "ticks": "", "type": "category"},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    return figure
