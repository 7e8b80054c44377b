"""The table of the best and the worst trials: the best first, an ellipsis, the worst last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.filtering import TableError, matching, plain_rows
from gridsearch.analysis.frames import SCORED_STATES, JobData
from gridsearch.analysis.labels import label, measured_text, score_text
from gridsearch.errors import nearest
from gridsearch.spec.outcomes import METRICS, RESULT_STATES, TrialState

_RANKED = sorted(state.value for state in RESULT_STATES)
#: What stands in the place of the score in a table of the trials in a state that has none.
_LAST = {"failed": "error", "diverged": "diverged_epoch", "pending": "state", "running": "state", "cancelled": "state"}
#: Trials without a result, in the order in which they are listed: what went wrong first.
_UNRANKED = (TrialState.FAILED, TrialState.CANCELLED, TrialState.RUNNING, TrialState.PENDING)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a user asks of the table.

    `sort` names columns, the first one counting most, each with a leading "-" for descending; without any,
    the best score comes first. `columns` replaces the axes and the score. `state` asks for the trials in one state,
    those without a result too, in the order of the grid where there is no score.
    """

    top: int = 5
    bottom: int = 5
    filter: str | None = None
    sort: Sequence[str] = ()
    columns: Sequence[str] = ()
    state: str | None = None


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A trial in the table: its rank among all that match (1 is first, None: no result), its id, values, texts."""

    rank: int | None
    trial: str
    state: str
    score: float | None
    values: tuple[Any, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankedTable:
    """The first and the last rows of a ranking; `omitted` trials lie between them (none: no ellipsis)."""

    columns: tuple[str, ...]
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    first: tuple[RankedRow, ...]
    last: tuple[RankedRow, ...]
    total: int
    omitted: int

    @property
    def rows(self) -> tuple[RankedRow, ...]:
        """Return all rows shown, without the ellipsis."""
        return self.first + self.last

    def frame(self) -> pd.DataFrame:
        """Return the rows shown as a DataFrame, the rank as its index."""
        index = pd.Index([row.rank for row in self.rows], name="rank", dtype="Int64")
        return pd.DataFrame([row.values for row in self.rows], columns=list(self.headings), index=index)


def ranked(data: JobData, options: TableOptions | None = None) -> pd.DataFrame:
    """Return the trials that have a result and match, in the order of the ranking.

    Trials without a score come last, those that diverged at the very end; ties keep the order of the grid.
    """
    chosen = options or TableOptions()
    frame = data.trials[data.trials["state"].isin(_states(chosen.state))]
    if chosen.filter:
        frame = matching(frame, chosen.filter)
    keys = [_sort_key(data, word) for word in chosen.sort]
    ordered = frame.sort_values("score", ascending=not data.objective.highest, kind="stable")
    diverged = ordered["state"] == TrialState.DIVERGED.value
    ordered = pd.concat([ordered[~diverged], ordered[diverged]])
    for column, ascending in reversed(keys):
        order = _order(data, ordered, column)
        ordered = ordered.loc[order.sort_values(ascending=ascending, kind="stable", na_position="last").index]
    return ordered


def table(data: JobData, options: TableOptions | None = None) -> RankedTable:
    """Return the best and the worst trials; none stands twice, and all are shown when there are few."""
    chosen = options or TableOptions()
    if chosen.top < 0 or chosen.bottom < 0:
        raise TableError("the numbers of rows must not be negative")
    frame = ranked(data, chosen)
    columns = [column_named(data, name) for name in chosen.columns] or [
        *data.axis_columns,
        _LAST.get(chosen.state or "", "score"),
    ]
    total = len(frame)
    top = min(chosen.top, total)
    bottom = min(chosen.bottom, total - top)
    first = _rows(data, frame.iloc[:top], columns)
    last = _rows(data, frame.iloc[total - bottom :], columns, start=total - bottom + 1)
    return RankedTable(
        columns=tuple(columns),
        headings=tuple(data.objective.heading if name == "score" else name for name in columns),
        numeric=tuple(pd.api.types.is_numeric_dtype(data.trials[name].dtype) for name in columns),
        first=first,
        last=last,
        total=total,
        omitted=total - top - bottom,
    )


def unranked(data: JobData) -> tuple[RankedRow, ...]:
    """Return the trials without a result, failed ones first, under the columns that `table` has by default."""
    frame = pd.concat([ranked(data, TableOptions(state=state)) for state in _UNRANKED])
    return _rows(data, frame, [*data.axis_columns, "score"])


def _states(wanted: str | None) -> list[str]:
    if wanted is None:
        return _RANKED
    known = [state.value for state in TrialState]
    if wanted not in known:
        raise TableError(f"unknown state {wanted!r}{nearest(wanted, known)}")
    return [wanted]


def column_named(data: JobData, name: str) -> str:
    """Return the column a user means: a column of the trials, or the objective's metric for the score."""
    if name == data.objective.heading:
        return "score"
    if name not in data.trials.columns:
        raise TableError(f"unknown column {name!r}{nearest(name, map(str, data.trials.columns))}")
    return name


def _sort_key(data: JobData, word: str) -> tuple[str, bool]:
    descending = word.startswith("-")
    return column_named(data, word.removeprefix("-")), not descending


def _order(data: JobData, frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Return what a column is sorted by: a text axis by the order of its values in the job, else itself."""
    axis = dict(zip(data.axis_columns, data.axes, strict=True)).get(column)
    if axis is None or axis.scale != "category":
        return frame[column]
    places = {label(value): place for place, value in enumerate(axis.values)}
    return frame[column].map(lambda value: places.get(label(value), len(places)))


def _rows(data: JobData, frame: pd.DataFrame, columns: list[str], *, start: int = 1) -> tuple[RankedRow, ...]:
    plain = plain_rows(frame)
    return tuple(
        RankedRow(
            rank=start + place if row["state"] in _RANKED else None,
            trial=row["trial"],
            state=row["state"],
            score=None if row["score"] != row["score"] else row["score"],
            values=tuple(None if row[name] != row[name] else row[name] for name in columns),
            cells=tuple(_cell(name, row) for name in columns),
        )
        for place, row in enumerate(plain)
    )


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if name == "score" and value != value:
        return "no value" if row["state"] in SCORED_STATES else str(row["state"])
    if name in (*METRICS, "score", "initial_val_loss"):
        return score_text(value)
    if name in ("seconds_per_epoch", "ms_per_step"):
        return measured_text(value)
    return f"{value:.1f}" if name == "seconds" and value == value else label(value)
