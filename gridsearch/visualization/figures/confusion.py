"""The confusion matrix: where the images of each class went; errors alone are coloured, so that they are seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gridsearch.analysis.evaluation import Scores
from gridsearch.visualization.figures.short_texts import MOST_LETTERS, ShortTexts, width_px
from gridsearch.visualization.theme import BEHIND, ERRORS, GRID, INK, MUTED, TEMPLATE, plain

#: Beyond this many classes cells are too small for their numbers.
MOST_NUMBERED = 15
_CELL_PX, _SMALLEST_PX, _LARGEST_PX = 46, 300, 760
_MOST_TICKS = 30
#: In a narrower file names have fewer letters, so that cells have room.
_NARROW_PX, _NARROW_LETTERS = 500, 13
#: What stands around the matrix beside its labels: titles, and the bar of colours.
_AROUND_PX, _SMALLEST_CELL_PX, _SMALLEST_FONT = 100, 4, 7
#: Smaller shares need a second decimal beside the colours.
_SMALL = 0.01
_AXIS = {"showgrid": False, "showline": False, "ticks": ""}


def confusion_figure(found: Scores, width: int | None = None) -> go.Figure:
    """Return the matrix, each row divided by its sum; pointing at a cell shows its count.

    Colours go from no error to the most frequent one: beside what is right, which the diagonal has without a colour,
    all errors of a good model would be white.

    Where there are too many classes to show (`Scores.many`), pointing at a cell shows the share alone.

    Args:
        found: What the model did.
        width: How wide a file is to be, px: names are shortened then, and the labels below turned where they must be,
            so that cells are squares. On a page the figure follows the window.
    """
    texts = ShortTexts(MOST_LETTERS if width is None or width > _NARROW_PX else _NARROW_LETTERS)
    shown = found.class_names if width is None else [texts.short(name) for name in found.class_names]
    names = [plain(name) for name in shown]
    many, shares = len(names) > MOST_NUMBERED, found.shares
    worst = _worst(shares)
    heat = go.Heatmap(
        z=np.array(shares, np.float32) if found.many else shares,
        x=list(range(len(names))),
        y=list(range(len(names))),
        customdata=None if found.many else _told(names, found),
        zmin=0,
        zmax=worst,
        colorscale=[list(stop) for stop in ERRORS],
        xgap=0 if many else 1,
        ygap=0 if many else 1,
        hovertemplate=f"{'class %{y} predicted as %{x}' if found.many else '%{customdata}'}"
        f" (%{{z:.1%}})<extra></extra>",
        colorbar={
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": ".1~%" if worst >= _SMALL else ".2~%",
            "tickfont": {"size": 11, "color": MUTED},
            "title": {"text": "errors", "font": {"size": 11, "color": MUTED}},
        },
    )
    labelled = range(0, len(names), math.ceil(len(names) / _MOST_TICKS) or 1)
    ticks = {"tickmode": "array", "tickvals": list(labelled), "ticktext": [names[place] for place in labelled]}
    layout = {
        "template": TEMPLATE,
        "height": min(_LARGEST_PX, max(_SMALLEST_PX, _CELL_PX * len(names) + 110)),
        "plot_bgcolor": BEHIND,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": _AXIS | ticks | {"title": {"text": "predicted class"}, "tickangle": _angle(names)},
        "yaxis": _AXIS | ticks | {"title": {"text": "true class"}, "autorange": "reversed"},
        "shapes": [_diagonal(len(names))],
        "annotations": [] if many else [_number(shares, i, j) for i in range(len(names)) for j in range(len(names))],
    }
    figure = go.Figure(heat, layout)
    return figure if width is None else _in_squares(figure, shown, width)


def _in_squares(figure: go.Figure, names: Sequence[str], width: int) -> go.Figure:
    """Give a figure of this width a height in which cells are squares."""
    beside = width_px(names)
    cell = min(_CELL_PX, max(_SMALLEST_CELL_PX, (width - beside - _AROUND_PX) / max(1, len(names))))
    turned = beside > cell
    below = beside if turned else 16
    figure.update_layout(height=round(cell * len(names) + below + _AROUND_PX / 2))
    figure.update_xaxes(tickangle=-90 if turned else 0, constrain="domain")
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_annotations(font={"size": max(_SMALLEST_FONT, min(12.0, 0.45 * cell))})
    return figure


def _worst(shares: Sequence[Sequence[float]]) -> float:
    """Return the largest share that went to another class; where none did, 1."""
    cells = np.array(shares, np.float64)
    np.fill_diagonal(cells, 0.0)
    return float(cells.max(initial=0.0)) or 1.0


def _diagonal(count: int) -> dict[str, Any]:
    """Return a shape that lies over the cells of what is right, and below their numbers."""
    cells = (f"M{place - 0.5},{place - 0.5}H{place + 0.5}V{place + 0.5}H{place - 0.5}Z" for place in range(count))
    # Its line covers what a browser's rounding leaves of the cells.
    look = {"fillcolor": GRID, "line": {"width": 1.5, "color": GRID}, "layer": "above"}
    return {"type": "path", "path": "".join(cells)} | look


def _told(names: list[str], found: Scores) -> list[list[str]]:
    return [
        [f"{count:,} of {sum(row):,} {name} predicted as {other}" for other, count in zip(names, row, strict=True)]
        for name, row in zip(names, found.confusion, strict=True)
    ]


def _angle(names: list[str]) -> int:
    return -35 if max(map(len, names), default=0) > 3 and len(names) > 4 else 0


def _number(shares: Sequence[Sequence[float]], i: int, j: int) -> dict[str, Any]:
    """Return the text of a cell in percent, whole from 1 % on; nothing where no image went."""
    share = shares[i][j]
    text = "" if not share else "<0.1" if share < 0.0005 else f"{100 * share:.{0 if share >= 0.00995 else 1}f}"
    return {
        "x": j,
        "y": i,
        "text": text,
        "showarrow": False,
        "font": {"size": 12, "color": INK},
    }
