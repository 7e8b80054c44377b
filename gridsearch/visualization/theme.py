"""One visual language for every figure: colours that colour-blind readers tell apart, no decoration."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

INK = "#1f2933"
MUTED = "#5f6c7b"
GRID = "#e6eaef"
LINE = "#8792a0"
PAPER = "#ffffff"
NEUTRAL = "#4a6fa5"
#: Training and validation, everywhere; they differ in lightness too, so that a grey print tells them apart.
TRAIN, VALIDATION = "#2b5c8a", "#d9691e"
#: Ordered levels: viridis, without what is too pale to be seen on white.
_SEQUENCE = ("#440154", "#482071", "#443983", "#3b518b", "#31678e", "#297b8e", "#228d8d", "#1f9e89")
#: Levels without an order: Okabe and Ito's palette without its yellow, darker where it was pale on white.
_CATEGORIES = ("#0072b2", "#c07d00", "#007a5a", "#cf6da6", "#a83a00", "#3996d0", "#26282b", "#878787")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon", "star")
#: Shares from none to all; numbers in ink are read on all of it.
SHARES = ((0.0, "#fefefe"), (0.35, "#d3e2f0"), (0.7, "#a3c3e0"), (1.0, "#6c9ecb"))
#: From -1 (blue) over 0 (white) to 1 (brick), likewise.
DIVERGING = ((0.0, "#6c9ecb"), (0.25, "#b3cde4"), (0.5, "#fbfaf8"), (0.75, "#f0c4ae"), (1.0, "#e08e6d"))
#: Shares of what is wrong, from none to the most, likewise.
ERRORS = ((0.0, "#fefefe"), (0.5, "#f0c4ae"), (1.0, "#e08e6d"))
#: How much a band covers of what lies behind it; the script of the page has the same.
BAND_OPACITY = 0.2
#: How thick the edges of a band are, in its colour; the script of the page has the same.
BAND_EDGE_PX = 1
#: Points are opaque, so that each is seen; an edge of the paper's colour tells those apart that lie on each other.
POINT_EDGE = {"width": 0.6, "color": PAPER}
#: What lies behind the cells of a matrix.
BEHIND = "#f1f3f6"
#: The same on a dark page, colour by colour: the page's script exchanges one for the other.
_DARK_PAPER = "#12171d"
_DARK_SEQUENCE = ("#31688e", "#297a8e", "#208e8c", "#20a486", "#41be71", "#7cd250", "#bddf26", "#fde725")
_DARK_CATEGORIES = ("#4aa3e6", "#f0b429", "#1fae84", "#e59ac8", "#d9622b", "#a9dcf7", "#e9ecef", "#8f97a1")
_DARK = {
    INK: "#e6eaef",
    MUTED: "#9fabb8",
    GRID: "#2a323c",
    LINE: "#6f7b88",
    PAPER: _DARK_PAPER,
    NEUTRAL: "#7fa6dd",
    TRAIN: "#7fb2e5",
    VALIDATION: "#f0965a",
    BEHIND: "#1b222b",
    "#fefefe": "#1a2530",
    "#d3e2f0": "#213b54",
    "#a3c3e0": "#2e5376",
    "#6c9ecb": "#3a6a98",
    "#b3cde4": "#2b4860",
    "#fbfaf8": "#20262d",
    "#f0c4ae": "#573628",
    "#e08e6d": "#944b30",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: How figures behave on a page: they follow its width. Their own buttons would cover what they show, and one
#: of them sends the figure to a web site.
CONFIG: dict[str, Any] = {"responsive": True, "displaylogo": False, "displayModeBar": False}

_AXIS = {
    "gridcolor": GRID,
    "linecolor": LINE,
    "showline": True,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": LINE,
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
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "autotypenumbers": "strict",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "margin": {"l": 64, "r": 16, "t": 16, "b": 52},
        "hoverlabel": {
            "bgcolor": PAPER,
            "bordercolor": LINE,
            "align": "left",
            "font": {"color": INK},
        },
        "legend": {"font": {"size": 12}, "title": {"font": {"size": 12, "color": MUTED}}},
    }
)


#: The most levels that a figure tells apart by shades in order.
MOST_SHADES = 10


def level_markers(count: int, *, ordered: bool) -> list[dict[str, Any]]:
    """Return one marker for each level: shades in order for amounts, colours and shapes for names."""
    if not ordered:
        places = [index % len(_CATEGORIES) for index in range(count)]
        return [{"color": _CATEGORIES[place], "symbol": _SYMBOLS[place]} for place in places]
    return [{"color": shade, "symbol": "circle"} for shade in _shades(count, _SEQUENCE)]


def dark_colors() -> dict[str, str]:
    """Return the colour on a dark page for each that figures have on a light one."""
    shades: dict[str, str] = {}
    for count in range(1, MOST_SHADES + 1):
        shades |= dict(zip(_shades(count, _SEQUENCE), _shades(count, _DARK_SEQUENCE), strict=True))
    categories = dict(zip(_CATEGORIES, _DARK_CATEGORIES, strict=True))
    filled = categories | {VALIDATION: _DARK[VALIDATION]}
    bands = {band_color(color): band_color(dark) for color, dark in filled.items()}
    return _DARK | categories | bands | shades


def band_color(color: str) -> str:
    """Return a colour for the band around a line of that colour, through which others are seen.

    So pale a fill is told from the paper by its edges: whoever draws a band gives it a line (`BAND_EDGE_PX`).
    """
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{BAND_OPACITY})"


def band_look(color: str = VALIDATION) -> dict[str, Any]:
    """Return how a rectangle that is a band looks: its fill, and the edges that tell it from the paper."""
    return {"fillcolor": band_color(color), "line": {"width": BAND_EDGE_PX, "color": color}}


def _shades(count: int, stops: Sequence[str]) -> list[str]:
    if count > len(stops):
        return list(sample_colorscale(list(stops), [index / (count - 1) for index in range(count)]))
    return [stops[round(index * (len(stops) - 1) / max(1, count - 1))] for index in range(count)]


def plain(text: str) -> str:
    """Return text so that plotly shows it as it is: its labels understand a few HTML tags."""
    return html.escape(text, quote=False)
