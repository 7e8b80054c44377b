"""The correlation heatmap, with its numbers in the cells (Figure 2.4)."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.correlation import Correlation
from gridsearch.visualization.theme import BEHIND, DIVERGING, INK, MUTED, TEMPLATE, plain

_CELL_PX = 62
_SMALLEST_PX, _LARGEST_PX = 260, 760
_AXIS = {"showgrid": False, "showline": False, "ticks": ""}
_COLOR_BAR = {
    "thickness": 10,
    "outlinewidth": 0,
    "tickvals": [-1, -0.5, 0, 0.5, 1],
    "ticktext": ["−1", "−0.5", "0", "0.5", "1"],
    "tickfont": {"size": 11, "color": MUTED},
}


def heatmap_figure(numbers: Correlation) -> go.Figure:
    """Return the matrix as a heatmap from -1 (blue) to 1 (brick); a dash where there is none.

    The diagonal is left blank but for its number: 1 by definition, it would be the loudest to see.
    """
    names = [plain(name.replace("_", " ")) for name in numbers.names]
    places = range(len(names))
    heat = go.Heatmap(
        z=[[None if i == j else numbers.matrix[i][j] for j in places] for i in places],
        x=names,
        y=names,
        zmin=-1,
        zmax=1,
        colorscale=[list(stop) for stop in DIVERGING],
        xgap=2,
        ygap=2,
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        colorbar=_COLOR_BAR,
    )
    layout = {
        "template": TEMPLATE,
        "height": min(_LARGEST_PX, max(_SMALLEST_PX, _CELL_PX * len(names) + 90)),
        "plot_bgcolor": BEHIND,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": _AXIS | {"tickangle": -35 if len(names) > 3 else 0},
        "yaxis": _AXIS | {"autorange": "reversed"},
        # All at once: adding them one by one takes seconds for ten axes.
        "annotations": [_number(numbers, names, i, j) for i in places for j in places],
    }
    return go.Figure(heat, layout)


def coefficient_text(value: float | None) -> str:
    """Return a coefficient with its sign and two decimals, zero without one; a dash when there is none."""
    if value is None:
        return "–"
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "−")


def _number(numbers: Correlation, names: list[str], i: int, j: int) -> dict[str, Any]:
    value = numbers.matrix[i][j]
    color = MUTED if i == j else INK
    return {
        "x": j,
        "y": i,
        "text": coefficient_text(value),
        "showarrow": False,
        "font": {"size": 13 if len(names) <= 8 else 10, "color": color},
    }
