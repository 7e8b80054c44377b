"""Two jobs cell by cell: the score of one against that of the other, and the differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gridsearch.analysis.comparing.shared import Pairing, SharedCell
from gridsearch.analysis.comparing.telling import interval_text, signed
from gridsearch.analysis.labels import score_text
from gridsearch.visualization.theme import INK, LINE, NEUTRAL, POINT_EDGE, TEMPLATE, VALIDATION, band_look, plain

_HEIGHT_PX = 420
_ROW_PX, _LEAST_PX, _MOST_PX = 20, 260, 640
#: More names than this do not stand below each other.
_MOST_NAMED = 24
#: Beyond this many cells a figure is slow to draw and no fuller to look at: they are drawn evenly.
MOST_DRAWN = 2000
#: Longer names would leave no room for what they name.
_NAME_LETTERS = 34
#: What is subtracted is read below the axis of half a page, where so many letters have room.
_TITLE_LETTERS = 26


def scores_figure(found: Pairing, zero: float | None = None) -> go.Figure:
    """Plot each shared cell's score in one job against that in the other; above the line the other's is higher.

    Args:
        found: The two jobs.
        zero: The score that others are differences from; None for the scores themselves.
    """
    cells = _drawn(found.cells)
    base = zero or 0.0
    pairs = [(cell.scores[0] - base, cell.scores[1] - base) for cell in cells]
    ends = [value for pair in pairs for value in pair]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    figure = go.Figure(layout=_layout(found, zero, (low - room, high + room)))
    figure.add_scatter(
        x=[low - room, high + room],
        y=[low - room, high + room],
        mode="lines",
        name="equal",
        line={"color": LINE, "width": 1.4, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[one for one, _ in pairs],
        y=[other for _, other in pairs],
        mode="markers",
        name="cells",
        marker={"color": NEUTRAL, "size": 9 if len(cells) <= 100 else 6, "line": POINT_EDGE},
        customdata=[_hover(found, cell) for cell in cells],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return figure


def _layout(found: Pairing, zero: float | None, span: tuple[float, float]) -> dict[str, Any]:
    over = "" if zero is None else " over the baseline"
    return {
        "template": TEMPLATE,
        "height": _HEIGHT_PX,
        "hovermode": "closest",
        "xaxis": {"title": {"text": f"score in {plain(_short(found.labels[0]))}{over}"}, "range": span},
        "yaxis": {"title": {"text": f"score in {plain(_short(found.labels[1]))}{over}"}, "range": span},
        "showlegend": False,
    }


def differences_figure(found: Pairing) -> go.Figure:
    """Plot the difference of each shared cell with its interval, the highest on top, and the band of their mean."""
    cells = sorted(_drawn(found.cells), key=lambda cell: cell.difference)
    named = len(cells) <= _MOST_NAMED
    places = list(range(len(cells)))
    values = [cell.difference for cell in cells]
    figure = go.Figure(layout=_differences_layout(found, cells, named=named))
    if any(cell.interval for cell in cells):
        ends = [cell.interval or (cell.difference, cell.difference) for cell in cells]
        bars: dict[str, Any] = {
            "type": "data",
            "symmetric": False,
            "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
            "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
            "color": LINE,
            "thickness": 1.2,
            "width": 3 if named else 0,
        }
    else:
        bars = {"visible": False}
    figure.add_scatter(
        x=values,
        y=places,
        mode="markers",
        name="cells",
        marker={"color": NEUTRAL, "size": 8 if len(cells) <= 200 else 4},
        error_x=bars,
        customdata=[_hover(found, cell) for cell in cells],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return figure


def _differences_layout(found: Pairing, cells: Sequence[SharedCell], *, named: bool) -> dict[str, Any]:
    height = min(_MOST_PX, max(_LEAST_PX, 110 + _ROW_PX * len(cells)))
    labels = {"tickvals": list(range(len(cells))), "ticktext": [_name(found, cell) for cell in cells]} if named else {}
    shapes: list[dict[str, Any]] = [_line(0.0, INK, "solid")]
    if found.interval and found.mean is not None:
        low, high = found.interval
        band = {"type": "rect", "xref": "x", "yref": "paper", "x0": low, "x1": high, "y0": 0, "y1": 1}
        shapes.append(band | band_look() | {"layer": "below"})
    if found.mean is not None:
        shapes.append(_line(found.mean, VALIDATION, "dash"))
    reference, other = map(_short, found.labels)
    apart = "<br>" if len(reference) + len(other) + len(" minus ") > _TITLE_LETTERS else " "
    title = f"{plain(other)}{apart}minus {plain(reference)}"
    cell = plain(", ".join(name.replace("_", " ") for name in found.axes))
    return {
        "template": TEMPLATE,
        "height": height,
        "hovermode": "closest",
        "xaxis": {"title": {"text": title}},
        "yaxis": {
            "title": {"text": cell if named and len(cell) <= _NAME_LETTERS else "cells"},
            "range": [-0.7, max(0.7, len(cells) - 0.3)],
            "showgrid": False,
            "showticklabels": named,
        }
        | labels,
        "showlegend": False,
        "shapes": shapes,
    }


def _short(label: str) -> str:
    """Return a job's label without its middle where it is long: the store at its end may be what tells it apart."""
    if len(label) <= _TITLE_LETTERS:
        return label
    half = (_TITLE_LETTERS - 1) // 2
    return f"{label[:half]}…{label[-half:]}"


def _line(x: float, color: str, dash: str) -> dict[str, Any]:
    line = {"color": color, "width": 1.4, "dash": dash}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def _drawn(cells: Sequence[SharedCell]) -> list[SharedCell]:
    """Return so many of the cells as a figure has, evenly by their difference; all where they are few."""
    if len(cells) <= MOST_DRAWN:
        return list(cells)
    order = sorted(cells, key=lambda cell: cell.difference)
    step = (len(order) - 1) / (MOST_DRAWN - 1)
    return [order[round(place * step)] for place in range(MOST_DRAWN)]


def _name(found: Pairing, cell: SharedCell) -> str:
    text = ", ".join(cell.texts) or "the only cell"
    return plain(text if len(text) <= _NAME_LETTERS else f"{text[: _NAME_LETTERS - 1]}…")


def _hover(found: Pairing, cell: SharedCell) -> str:
    lines = [f"{plain(name)} = {plain(text)}" for name, text in zip(found.axes, cell.texts, strict=True)]
    for label, score, trial in zip(found.labels, cell.scores, cell.trials, strict=True):
        lines.append(f"{plain(label)}: {score_text(score)} (trial {trial[:8]})")
    sure = f" ({interval_text(cell.interval)})" if cell.interval else ""
    return "<br>".join([*lines, f"<b>{signed(cell.difference)}</b>{sure}"])
