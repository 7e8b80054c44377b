"""What is tied for the best as a table: for documents, and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from gridsearch.analysis.labels import brief_text, probability_text, score_text
from gridsearch.analysis.ties import Tied
from gridsearch.visualization.document.grid import Grid

#: What a trial costs, in words.
COSTS = {"parameters": "parameters", "macs": "multiply-adds", "epochs": "epochs", "seconds": "seconds"}


def tied_grid(shown: Sequence[Tied], *, settings: bool = False) -> Grid:
    """Return a row for each: rank, score with its interval, how probable it is the best, and what it costs.

    Args:
        shown: Those to list; columns of which nothing is known of any are left out.
        settings: Whether the values of the axes stand behind the rank.
    """
    axes = [name for name, _ in shown[0].settings] if settings and shown else []
    costs = [name for name in COSTS if any(one.cost(name) is not None for one in shown) and name not in axes]
    sure, chance = any(one.interval for one in shown), any(one.chance is not None for one in shown)
    headings = ["rank", *(name.replace("_", " ") for name in axes), "score"]
    headings += [*(["95 % interval"] if sure else []), *(["best with"] if chance else [])]
    numeric = [True, *([False] * len(axes)), *([True] * (1 + sure + chance + len(costs)))]
    rows = [_row(one, axes, costs, sure=sure, chance=chance) for one in shown]
    return Grid([*headings, *(COSTS[name] for name in costs)], numeric, rows)


def _row(one: Tied, axes: Sequence[str], costs: Sequence[str], *, sure: bool, chance: bool) -> list[str]:
    values = dict(one.settings)
    cells = [f"{one.rank:,}", *(values[name] for name in axes), score_text(one.score)]
    if sure:
        cells.append(f"{brief_text(one.interval[0])} to {brief_text(one.interval[1])}" if one.interval else "")
    if chance:
        cells.append("" if one.chance is None else probability_text(one.chance))
    return [*cells, *(_amount(one.cost(name), name) for name in costs)]


def _amount(value: float | None, name: str) -> str:
    return "" if value is None else f"{value:,.3g}" if name == "seconds" else f"{value:,.0f}"
