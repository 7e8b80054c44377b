"""What a reader must see of a figure: the colours of its marks, blended with the paper that shines through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import plotly.graph_objects as go

from gridsearch.visualization.theme import PAPER

#: What marks and text need, by WCAG 2.
MARK, TEXT = 3.0, 4.5


def pale_marks(figure: go.Figure, theme: Mapping[str, str]) -> dict[str, float]:
    """Return the marks and texts of a figure with too little contrast to the paper, by what they are.

    A mark with an edge is told by the better seen of the two. Cells of a matrix and what lies on them are none: their
    numbers tell them.
    """
    told = json.loads(figure.to_json())
    found = {}
    for name, colors in _marks(told):
        best = max(_contrast(color, opacity, theme) for color, opacity in colors)
        if best < (TEXT if name.startswith("text") else MARK):
            found[name] = round(best, 2)
    return found


def _marks(told: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    template = told["layout"].get("template", {}).get("layout", {})
    for place, trace in enumerate(told["data"]):
        name = f"{place} {trace.get('name')}"
        if trace["type"] == "heatmap":
            continue
        whole = trace.get("opacity", 1.0)
        marker, line = trace.get("marker", {}), trace.get("line", {})
        own = whole * marker.get("opacity", 1.0)
        if trace["type"] == "bar" or "markers" in trace["mode"]:
            edge = marker.get("line", {})
            color = marker.get("color", line.get("color"))
            edges = [(edge["color"], own)] if edge.get("width") else []
            yield f"{name}: marker", [(color, own), *edges]
        if trace["type"] == "scatter" and "lines" in trace["mode"]:
            # The fill of a band is told by its edges, which are lines of their own.
            assert line["width"] > 0, f"{name}: a line that is not seen"
            yield f"{name}: line", [(line["color"], whole)]
        if (bars := trace.get("error_x", {})).get("visible", True) and bars:
            yield f"{name}: interval", [(bars["color"], whole)]
    for place, shape in enumerate(told["layout"].get("shapes", ())):
        if shape["type"] == "path":
            continue
        line = shape.get("line", {})
        own = shape.get("opacity", 1.0)
        edges = [(line["color"], own)] if line.get("width") else []
        yield f"shape {place} {shape.get('name')}", [(shape.get("fillcolor", PAPER), own), *edges]
    for note in told["layout"].get("annotations", ()):
        color = note.get("font", {}).get("color") or template["font"]["color"]
        yield f"text {note['text']}", [(color, note.get("opacity", 1.0))]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two opaque colours, by WCAG 2."""
    return _ratio(channels(one)[:3], channels(other)[:3])


def channels(color: str) -> tuple[float, float, float, float]:
    """Return red, green and blue from 0 to 255, and the opacity."""
    if color.startswith("#"):
        red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
        return red, green, blue, 1.0
    parts = [float(part) for part in re.findall(r"[\d.]+", color)]
    return parts[0], parts[1], parts[2], parts[3] if len(parts) > 3 else 1.0


def _contrast(color: str, opacity: float, theme: Mapping[str, str]) -> float:
    paper = channels(theme.get(PAPER, PAPER))
    *seen, own = channels(theme.get(color, color))
    share = own * opacity
    blended = tuple(share * mark + (1 - share) * below for mark, below in zip(seen, paper, strict=False))
    return _ratio(blended, paper[:3])


def _ratio(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(parts: tuple[float, ...]) -> float:
    shares = [part / 255 for part in parts]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
