"""One visual language for every figure: colours that colour-blind readers tell apart, no decoration."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

INK = "#1f2933"
MUTED = "#5f6c7b"
GRID = "#e6eaef"
NEUTRAL = "#4a6fa5"
#: Training and validation, everywhere; they differ in lightness too, so that a grey print tells them apart.
TRAIN, VALIDATION = "#2b5c8a", "#d9691e"
#: Ordered levels: viridis without its pale end, which does not show on white.
_SEQUENCE = ("#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#8fd14f", "#bfd630")
#: Levels without an order: Okabe and Ito's palette without its yellow.
_CATEGORIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#3b3b3b", "#9a9a9a")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon", "star")
#: Shares from none to all.
SHARES = ((0.0, "#ffffff"), (0.35, "#b9cfe4"), (0.7, "#5b8cbf"), (1.0, "#1d4268"))
#: From -1 (blue) over 0 (white) to 1 (brick).
DIVERGING = ((0.0, "#2b5c8a"), (0.25, "#8fb3d4"), (0.5, "#fbfaf8"), (0.75, "#e8a98c"), (1.0, "#a63a1f"))
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: How figures behave on a page: they follow its width. Their own buttons would cover what they show, and one
#: of them sends the figure to a web site.
CONFIG: dict[str, Any] = {"responsive": True, "displaylogo": False, "displayModeBar": False}

_AXIS = {
    "gridcolor": GRID,
    "linecolor": "#9aa5b1",
    "showline": True,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": "#9aa5b1",
    "automargin": True,
    "exponentformat": "none",
    "title": {"standoff": 10, "font": {"size": 13, "color": INK}},
    "tickfont": {"size": 12, "color": MUTED},
}

#: An axis of shares: no room beyond 0 and 1, but for half a marker.
SHARE_AXIS = {"autorangeoptions": {"clipmin": -0.03, "clipmax": 1.03}}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "autotypenumbers": "strict",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "margin": {"l": 64, "r": 16, "t": 16, "b": 52},
        "hoverlabel": {
            "bgcolor": "#ffffff",
            "bordercolor": "#9aa5b1",
            "align": "left",
            "font": {"color": INK},
        },
        "legend": {"font": {"size": 12}, "title": {"font": {"size": 12, "color": MUTED}}},
    }
)


def level_markers(count: int, *, ordered: bool) -> list[dict[str, Any]]:
    """Return one marker for each level: shades in order for amounts, colours and shapes for names."""
    if not ordered:
        places = [index % len(_CATEGORIES) for index in range(count)]
        return [{"color": _CATEGORIES[place], "symbol": _SYMBOLS[place]} for place in places]
    last = len(_SEQUENCE) - 1
    if count > len(_SEQUENCE):
        shades = sample_colorscale(list(_SEQUENCE), [index / (count - 1) for index in range(count)])
        return [{"color": shade, "symbol": "circle"} for shade in shades]
    if count <= 4:
        last -= 1
    places = [round(index * last / max(1, count - 1)) for index in range(count)]
    return [{"color": _SEQUENCE[place], "symbol": "circle"} for place in places]


def plain(text: str) -> str:
    """Return text so that plotly shows it as it is: its labels understand a few HTML tags."""
    return html.escape(text, quote=False)
