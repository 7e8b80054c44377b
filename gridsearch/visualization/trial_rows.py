"""All trials as JSON columns for a page: short, as there may be very many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gridsearch.analysis.all_trials import AllTrials, TrialColumn
from gridsearch.analysis.frames import JobData
from gridsearch.store.rows import TrialRow
from gridsearch.visualization.figures.short_numbers import short_numbers

#: Trials beyond which numbers have seven digits and ids sixteen: nobody reads more, and a page would be large.
_MANY, _DIGITS, _ID_DIGITS = 2000, 7, 16


def rows_data(table: AllTrials) -> dict[str, Any]:
    """Return the table: `ids` in one text, `ranked` (so many rows have a rank), how many trials there are, `columns`.

    A column has its `values`, or each once as `known` with `codes`; a setting has `texts` for the latter too.
    """
    return {
        "ids": "".join(trial[:_ID_DIGITS] if len(table.trials) > _MANY else trial for trial in table.trials),
        "count": len(table.trials),
        "ranked": sum(rank is not None for rank in table.ranks),
        "total": table.total,
        "columns": [_column(column, len(table.trials)) for column in table.columns],
    }


def _column(column: TrialColumn, count: int) -> dict[str, Any]:
    told = {"name": column.name, "kind": column.kind, "shown": column.shown}
    if column.kind == "setting":
        place = {text: number for number, (text, _) in enumerate(column.known)}
        value = dict(zip(column.texts, column.values, strict=True))
        return told | {
            "known": [value[text] for text in place],
            "texts": [shown for _, shown in column.known],
            "codes": [place.get(text, -1) for text in column.texts],
            "ordered": column.ordered,
        }
    values = [_short(value) for value in column.values] if count > _MANY else list(column.values)
    known = list(dict.fromkeys(values))
    if 2 * len(known) > len(values):
        return told | {"values": values}
    place_of = {value: number for number, value in enumerate(known)}
    return told | {"known": known, "codes": [place_of[value] for value in values]}


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def curves_data(data: JobData, table: AllTrials, metrics: Sequence[str], most: int) -> dict[str, Any]:
    """Return the curves of trials, best first, as long as they have at most so many numbers.

    Returns:
        `lineages` (the epochs of each and the values of the metrics), and for each row of the table that of its
        lineage (-1 where the page has none) and its last epoch.
    """
    rows = [data.rows[data.place_of[trial]] for trial in table.trials]
    longest: dict[str, TrialRow] = {}
    for row in rows:
        if row.lineage_id not in longest or longest[row.lineage_id].epochs < row.epochs:
            longest[row.lineage_id] = row
    places: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for name, curve in _within(data, longest, len(metrics), most):
        places[name] = len(found)
        found.append({"epoch": list(curve.epoch), "values": [short_numbers(curve.metric(one)) for one in metrics]})
    return {
        "metrics": list(metrics),
        "lineages": found,
        "of": [places.get(row.lineage_id, -1) for row in rows],
        "last": [row.epochs for row in rows],
    }


def _within(data: JobData, longest: dict[str, TrialRow], metrics: int, most: int) -> Iterator[tuple[str, Any]]:
    if not metrics:
        return
    size = 0
    for name, curve in zip(longest, data.own_curves(list(longest.values())), strict=True):
        size += metrics * len(curve.epoch)
        if size > most:
            return
        yield name, curve
