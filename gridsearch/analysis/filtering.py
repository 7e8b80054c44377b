"""The rows of a table that a user asks for, by an expression such as `neurons == 50 and epochs >= 20`.

The language is that of a job's rules (`spec.rules`). DataFrame.query is not used: given a stranger's text it
reaches Python objects and their attributes.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridsearch.errors import GridsearchError
from gridsearch.spec.rules import parse_rule


class TableError(GridsearchError):
    """A filter, a sort order or a choice of columns cannot be used."""


def matching(frame: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Return the rows for which the expression holds; a missing value satisfies no comparison but `!=`."""
    try:
        rule = parse_rule(expression, [str(column) for column in frame.columns])
    except ValueError as error:
        text = str(error).replace("unknown setting", "unknown column").replace("in a rule", "in a filter")
        raise TableError(f"filter: {text}") from None
    try:
        keep = [rule.holds(row) for row in plain_rows(frame)]
    except ValueError as error:
        raise TableError(f"filter: {error}") from None
    return frame[pd.Series(keep, index=frame.index, dtype="bool")]


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows of plain Python values: a missing number is NaN, a missing text is empty."""
    columns = {}
    for name, column in frame.items():
        text = pd.api.types.is_string_dtype(column.dtype)
        absent = "" if text else float("nan")
        columns[str(name)] = [absent if pd.isna(value) else value for value in column.tolist()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
