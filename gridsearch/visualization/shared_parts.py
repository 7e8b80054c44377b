"""Figures as JSON values for a page, which has once what several of them share."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

from gridsearch.visualization.figures.short_numbers import short_numbers
from gridsearch.visualization.theme import TEMPLATE

#: What of a trace stands in the list of all figures.
_SHARED = ("x", "y", "text")


class SharedParts:
    """Takes figures apart; the page's script puts them together.

    Attributes:
        values: The numbers and texts of traces, each once; a trace has the place in here.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    @property
    def template(self) -> Any:
        """The template that all figures have."""
        return json.loads(go.Figure(layout={"template": TEMPLATE}).to_json())["layout"]["template"]

    def whole(self, figure: go.Figure) -> dict[str, Any]:
        """Return a figure without its template."""
        told: dict[str, Any] = json.loads(figure.to_json())
        told["layout"].pop("template", None)
        return told

    def curves(self, figure: go.Figure) -> dict[str, Any]:
        """Return a figure of curves without its template, its numbers and its texts."""
        told = self.whole(figure)
        for trace in told["data"]:
            trace["y"] = short_numbers(trace["y"])
            trace |= {name: self._place(trace[name]) for name in _SHARED if name in trace}
        return told

    def _place(self, values: Any) -> int:
        place = self._places.setdefault(json.dumps(values), len(self.values))
        if place == len(self.values):
            self.values.append(values)
        return place
