"""The mean or the best score of each combination of two axes, as a heat map with its numbers: measured cells only."""

from __future__ import annotations

import math
from typing import Literal

import plotly.graph_objects as go

from gridsearch.analysis.cells import Cells
from gridsearch.visualization.theme import BEHIND, INK, SHARES, TEMPLATE, plain

Measure = Literal["means", "bests"]
_ROW_PX, _AROUND_PX, _SMALLEST_PX, _LARGEST_PX = 34, 96, 220, 720
#: More columns than this have no room for numbers.
_MOST_COLUMNS, _MOST_NUMBERS = 14, 240


def cells_figure(found: Cells, measure: Measure, *, title: str, highest: bool) -> go.Figure:
    """Return the heat map; a cell without a score is empty. Stronger colours are better scores."""
    numbers = found.means if measure == "means" else found.bests
    rows, columns = list(map(plain, found.row_levels)), list(map(plain, found.column_levels))
    known = [value for line in numbers for value in line if value is not None]
    texts = _texts([list(line) for line in numbers], known)
    shown = len(columns) <= _MOST_COLUMNS and len(rows) * len(columns) <= _MOST_NUMBERS
    colors = SHARES if highest else tuple((1 - place, color) for place, color in reversed(SHARES))
    name, other = plain(found.rows.replace("_", " ")), plain(found.columns.replace("_", " "))
    heat = go.Heatmap(
        z=[[None if value is None else float(f"{value:.7g}") for value in line] for line in numbers],
        x=columns,
        y=rows,
        colorscale=[list(stop) for stop in colors],
        xgap=2,
        ygap=2,
        text=texts,
        texttemplate="%{text}" if shown else None,
        textfont={"size": 12 if len(columns) <= 8 else 10, "color": INK},
        customdata=[list(line) for line in found.counts],
        hovertemplate=f"{name} %{{y}}, {other} %{{x}}: %{{text}} (n = %{{customdata}})<extra></extra>",
        colorbar={"thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}},
        hoverongaps=False,
    )
    axis = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
    return go.Figure(
        heat,
        {
            "template": TEMPLATE,
            "height": min(_LARGEST_PX, max(_SMALLEST_PX, _ROW_PX * len(rows) + _AROUND_PX)),
            "plot_bgcolor": BEHIND,
            "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
            "xaxis": axis | {"title": {"text": other}},
            "yaxis": axis | {"title": {"text": name}, "autorange": "reversed"},
            "meta": {"title": plain(title)},
        },
    )


def _texts(numbers: list[list[float | None]], known: list[float]) -> list[list[str]]:
    """Return the numbers with as many decimals as tell them apart, at least two and at most four."""
    spread = max(known) - min(known) if known else 0.0
    decimals = 4 if spread <= 0 else min(4, max(2, 2 - math.floor(math.log10(spread))))
    plainly = not known or max(map(abs, known)) < 1e6
    return [
        ["" if value is None else f"{value:z.{decimals}f}" if plainly else f"{value:.3g}" for value in line]
        for line in numbers
    ]
