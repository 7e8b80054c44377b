"""The rows of a table that a user asks for, by an expression such as `neurons == 50 and epochs >= 20`.

The language is that of a job's rules (`config.rules`). DataFrame.query is not used: given a stranger's text it
reaches Python objects and their attributes.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridsearch.config.events import TrialState
from gridsearch.config.rules import FILTER, parse_rule
from gridsearch.config.trial import RECIPE_KEYS, TEXT_KEYS
from gridsearch.config.value_kinds import Comparable, Kind, comparable_to
from gridsearch.errors import GridsearchError, nearest


class TableError(GridsearchError):
    """A filter, a sort order or a choice of columns cannot be used."""


#: Columns of ours that hold text, of which none is empty text, and not null.
TEXTS = frozenset({"trial", "state", "error", "over"})
_ID_DIGITS = 64


def matches(frame: pd.DataFrame, expression: str, among: pd.Series[bool] | None = None) -> pd.Series[bool]:
    """Return for which rows an expression holds.

    Args:
        frame: All rows: they tell what a column can be equal to.
        expression: In the language of rules, over the columns; a missing value is null, and neither number nor text.
        among: Which rows are looked at, all by default; the expression holds for none of the others.

    Raises:
        TableError: The expression is not valid, or names a column or a value that cannot occur.
    """
    try:
        names = {str(name): _comparable(str(name), column) for name, column in frame.items()}
        rule = parse_rule(expression, names, FILTER)
    except ValueError as error:
        raise TableError(f"filter: {error}") from None
    # Of very many rows only what the expression names is turned into rows; it may name nothing.
    named = {*rule.names, *map(str, frame.columns[:1])}
    looked_at = frame[[name for name in frame if str(name) in named]]
    looked_at = looked_at if among is None else looked_at[among]
    try:
        keep = [rule.holds(row) for row in _rows(looked_at)]
    except ValueError as error:
        raise TableError(f"filter: {error}") from None
    return pd.Series(keep, index=looked_at.index, dtype="bool").reindex(frame.index, fill_value=False)


def matching(frame: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Return the rows for which an expression holds; `TableError` where it is not valid (see `matches`)."""
    return frame[matches(frame, expression)]


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows of plain Python values: a missing number is NaN, a missing text of ours empty, a null None."""
    columns = {}
    for name, column in frame.items():
        text = pd.api.types.is_string_dtype(column.dtype)
        absent = "" if name in TEXTS else None if text else float("nan")
        columns[str(name)] = [_plain(value, absent) for value in column.tolist()]
    return _transposed(columns)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as expressions see them: what is missing is null."""
    columns = {
        str(name): [_plain(value, "" if name in TEXTS else None) for value in column.tolist()]
        for name, column in frame.items()
    }
    return _transposed(columns)


def _transposed(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(value: Any, absent: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item, None) for item in value]
    return absent if pd.isna(value) else value


def _comparable(name: str, column: pd.Series[Any]) -> Comparable:
    """Return what a column can be equal to; null, which is what is missing, it may always be."""
    if name == "state":
        return Comparable(frozenset({"text"}), problem=_no_state)
    if name == "trial":
        return Comparable(frozenset({"text"}), problem=_no_id)
    if name in TEXTS:
        return Comparable(frozenset({"text", "null"}))
    if name in RECIPE_KEYS and name not in TEXT_KEYS:
        # What checks job files takes a tenth of a second to import, and most tables are not filtered.
        from gridsearch.config.job_settings import recipe_comparable

        return recipe_comparable(name)
    values = [_plain(value, None) for value in column.tolist()]
    if any(value is not None for value in values):
        return comparable_to(values, other_text="none")
    kinds: frozenset[Kind] = frozenset({"number", "null"})
    return Comparable(kinds if pd.api.types.is_numeric_dtype(column.dtype) else frozenset())


def _no_state(value: Any) -> str:
    states = [state.value for state in TrialState]
    return "" if value in states else f"there is no such state{nearest(value, states)}"


def _no_id(value: Any) -> str:
    return "" if len(value) == _ID_DIGITS else f"the whole id has {_ID_DIGITS} digits; see: gridsearch show {value}"
