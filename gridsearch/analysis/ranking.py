"""The table of the best and the worst trials: the best first, an ellipsis, the worst last.

Where a job trains each point more than once, its rows are points, ranked by their means (see `groups`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from gridsearch.analysis.column_names import OURS, OVER, SPREAD, free
from gridsearch.analysis.filtering import TableError, matches, plain_rows
from gridsearch.analysis.frames import JobData, may_win
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.labels import Spread, label, mean_text, measured_text, score_text
from gridsearch.config.events import RESULT_STATES, SCORED_STATES, TrialState
from gridsearch.errors import closest, nearest

_RANKED = sorted(state.value for state in RESULT_STATES)
#: What stands in the place of the score in a table of the trials in a state that has none.
_LAST = {"failed": "error", "diverged": "diverged_epoch", "pending": "state", "running": "state", "cancelled": "state"}
#: Trials without a result, in the order in which they are listed: what went wrong first.
UNRANKED = (TrialState.FAILED, TrialState.CANCELLED, TrialState.RUNNING, TrialState.PENDING)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a user asks of a table of trials.

    Attributes:
        top: How many of the best rows.
        bottom: How many of the worst rows.
        filter: Only rows for which this expression holds.
        sort: Columns to sort by, the most important first, with a leading "-" for descending; by default the best score
            comes first.
        columns: Columns to show, instead of the score, those sorted by, and the axes.
        state: Only trials in this state, those without a result too; without scores in the order of the grid.
        each: Single trials if a point has several; implied by `state`.
        apart: Mean and spread in columns of their own, with every digit: for programs.
    """

    top: int = 5
    bottom: int = 5
    filter: str | None = None
    sort: Sequence[str] = ()
    columns: Sequence[str] = ()
    state: str | None = None
    each: bool = False
    apart: bool = False


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row of the table: a trial, or a point.

    Attributes:
        rank: Its rank among all that match, from 1; None without a result.
        trial: The trial's id; of a point that of its first trial.
        state: The trial's state.
        score: Its score; of a point the mean.
        values: The cells as values.
        cells: The cells as text.
        spread: How the scores of a point spread; None for a single trial.
        over: The names of the constraints exceeded.
    """

    rank: int | None
    trial: str
    state: str
    score: float | None
    values: tuple[Any, ...]
    cells: tuple[str, ...]
    spread: Spread | None = None
    over: str = ""

    @property
    def score_text(self) -> str:
        """The score in words, with its spread where there is one."""
        if self.score is None:
            return ""
        return mean_text(self.score, self.spread) if self.spread else score_text(self.score)


@dataclass(frozen=True, slots=True)
class RankedTable:
    """The first and the last rows of a ranking.

    Attributes:
        columns: The names of the columns.
        headings: Their headings.
        numeric: Which of them hold numbers.
        first: The first rows.
        last: The last rows.
        total: How many rows match.
        omitted: How many lie between `first` and `last`.
        unit: What a row is: `trial` or `point`.
        rounded: The columns in which a cell shows fewer digits than its value has.
    """

    columns: tuple[str, ...]
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    first: tuple[RankedRow, ...]
    last: tuple[RankedRow, ...]
    total: int
    omitted: int
    unit: str = "trial"
    rounded: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[RankedRow, ...]:
        """Return all rows shown, without the ellipsis."""
        return self.first + self.last

    def frame(self, *, ids: bool = False) -> pd.DataFrame:
        """Return the rows shown as a DataFrame, the rank as its index, each with its trial's id first if asked for."""
        index = pd.Index([row.rank for row in self.rows], name=self.rank_heading, dtype="Int64")
        frame = pd.DataFrame([row.values for row in self.rows], columns=list(self.headings), index=index)
        if ids and "trial" not in frame:
            frame.insert(0, self.id_heading, pd.Series([row.trial for row in self.rows], index, dtype="str"))
        return frame

    @property
    def id_heading(self) -> str:
        """Return what the ids of the rows are: those of trials, or of the first trial of each point."""
        return "trial" if self.unit == "trial" else free("first_trial", self.headings, "table")

    @property
    def rank_heading(self) -> str:
        """Return what their ranks are called."""
        return free("rank", self.headings, "table")


def ranked(data: JobData, options: TableOptions | None = None) -> pd.DataFrame:
    """Return the trials that have a result and match, in the order of the ranking.

    Those that exceed a constraint come after those that do not, those that diverged at the very end; among each,
    trials without a score come last, and ties keep the order of the grid.
    """
    return data.trials.loc[ranking_order(data, options)]


def ranking_order(data: JobData, options: TableOptions | None = None) -> pd.Index[Any]:
    """Return where the rows of `ranked` are among the trials: where only few are looked at, no table is made."""
    chosen = options or TableOptions()
    taken = data.trials["state"].isin(_states(chosen.state))
    if chosen.filter:
        taken = taken & matches(data.trials, chosen.filter, taken)
    keys = [_sort_key(data, word) for word in chosen.sort]
    deciding = ["trial", "state", "score", OVER, *(column for column, _ in keys)]
    narrow = data.trials[[name for name in dict.fromkeys(deciding) if name in data.trials]]
    ordered = narrow[taken].sort_values("score", ascending=not data.objective.highest, kind="stable")
    if OVER in ordered:
        ordered = _at_the_end(ordered, ordered[OVER] != "")
    ordered = _at_the_end(ordered, ordered["state"] == TrialState.DIVERGED.value)
    for column, ascending in reversed(keys):
        order = _order(data, ordered, column)
        ordered = ordered.loc[order.sort_values(ascending=ascending, kind="stable", na_position="last").index]
    return ordered.index


def _at_the_end(frame: pd.DataFrame, those: pd.Series[bool]) -> pd.DataFrame:
    # Of very many rows a copy takes time, and most jobs need none.
    return pd.concat([frame[~those], frame[those]]) if those.any() else frame


def table(data: JobData, options: TableOptions | None = None) -> RankedTable:
    """Return the best and the worst trials; none stands twice, and all are shown when there are few."""
    chosen = options or TableOptions()
    if chosen.top < 0 or chosen.bottom < 0:
        raise TableError("the numbers of rows must not be negative")
    of_points = data.job.record.has_groups and not chosen.each and chosen.state is None
    if of_points:
        data = grouped(data)
    order = ranking_order(data, chosen)
    columns = [column_named(data, name) for name in chosen.columns] or _columns(data, chosen)
    if of_points and chosen.apart and "score" in columns:
        place = columns.index("score") + 1
        columns[place:place] = [name for name in SPREAD if name not in columns]
    total = len(order)
    top = min(chosen.top, total)
    bottom = min(chosen.bottom, total - top)
    cells = partial(_cell, data, apart=chosen.apart)
    first = _rows(data.trials.loc[order[:top]], columns, cells)
    last = _rows(data.trials.loc[order[total - bottom :]], columns, cells, start=total - bottom + 1)
    return RankedTable(
        columns=tuple(columns),
        headings=tuple(_heading(data, name, apart=chosen.apart) for name in columns),
        numeric=tuple(pd.api.types.is_numeric_dtype(data.trials[name].dtype) for name in columns),
        first=first,
        last=last,
        total=total,
        omitted=total - top - bottom,
        unit="point" if of_points else "trial",
        rounded=() if chosen.apart else tuple(name for name in columns if name in data.rounds),
    )


def leader(data: JobData) -> RankedRow | None:
    """Return the best trial, or point, of those that `may_win`; its cells are those of the axes."""
    data = grouped(data) if data.job.record.has_groups else data
    first = data.trials.loc[ranking_order(data)[:1]]
    if not may_win(first).any():
        return None
    return _rows(first, data.axis_columns, partial(_cell, data))[0]


def _columns(data: JobData, options: TableOptions) -> list[str]:
    """Return the columns of a ranking: the score, what it is sorted by, the axes; of long texts only the last.

    The limits exceeded are there where one is, and for programs where there are any.
    """
    limited = OVER in data.trials and (options.apart or (data.trials[OVER] != "").any())
    last = _LAST.get(options.state or "", "score")
    sorted_by = [_sort_key(data, word)[0] for word in options.sort]
    first = [*(["score"] if last == "score" else []), *([OVER] if limited else []), *sorted_by]
    return list(dict.fromkeys([*(name for name in first if name not in data.axis_columns), *data.axis_columns, last]))


def _heading(data: JobData, name: str, *, apart: bool) -> str:
    if name == "score":
        spread = apart and "score_n" in data.trials
        return data.score_heading("_mean" if spread else "")
    return data.score_heading(name.removeprefix("score")) if name in SPREAD else name


def unranked(data: JobData) -> tuple[RankedRow, ...]:
    """Return the trials without a result, failed ones first, under the columns that `table` has by default."""
    frame = pd.concat([ranked(data, TableOptions(state=state)) for state in UNRANKED])
    return _rows(frame, _columns(data, TableOptions()), partial(_cell, data))


def elsewhere(data: JobData, options: TableOptions) -> str:
    """Return in which states trials match that a table leaves out for theirs: `; 2 that match are failed`."""
    others = ~data.trials["state"].isin(_states(options.state))
    try:
        states = data.trials.loc[others & matches(data.trials, options.filter or "", others), "state"].value_counts()
    except TableError:  # a column that only points have
        return ""
    found = [f"{count:,} {'is' if count == 1 else 'are'} {state}: --state {state}" for state, count in states.items()]
    return f"; of those that match {', '.join(found)}" if found else ""


def _states(wanted: str | None) -> list[str]:
    if wanted is None:
        return _RANKED
    known = [state.value for state in TrialState]
    if wanted not in known:
        raise TableError(f"unknown state {wanted!r}{nearest(wanted, known)}")
    return [wanted]


def column_named(data: JobData, name: str) -> str:
    """Return the column a user means: a column of the trials, or the objective's metric for the score."""
    for column in ("score", *SPREAD):
        if name in (_heading(data, column, apart=False), _heading(data, column, apart=True)) and column in data.trials:
            return column
    if name not in data.trials.columns:
        known = list(map(str, data.trials.columns))
        own = [*data.axis_columns, *data.metrics.values(), "score", "state", "seconds"]
        hint = f" (did you mean {meant!r}?)" if (meant := closest(name, known)) else f"; some of them: {', '.join(own)}"
        raise TableError(f"unknown column {name!r}{hint}")
    return name


def _sort_key(data: JobData, word: str) -> tuple[str, bool]:
    descending = word.startswith("-")
    return column_named(data, word.removeprefix("-")), not descending


def _order(data: JobData, frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Return what a column is sorted by: a text axis by the order of its values in the job, else itself."""
    axis = dict(zip(data.axis_columns, data.axes, strict=True)).get(column)
    if axis is None and frame[column].dtype == object:
        return frame[column].map(label)
    if axis is None or axis.scale != "category":
        return frame[column]
    places = {label(value): place for place, value in enumerate(axis.values)}
    return pd.Series([places.get(text, len(places)) for text in data.texts(axis, frame)], index=frame.index)


def _rows(
    frame: pd.DataFrame, columns: list[str], cell: Callable[[str, dict[str, Any]], str], *, start: int = 1
) -> tuple[RankedRow, ...]:
    plain = plain_rows(frame)
    return tuple(
        RankedRow(
            rank=start + place if row["state"] in _RANKED else None,
            trial=row["trial"],
            state=row["state"],
            score=None if row["score"] != row["score"] else row["score"],
            values=tuple(None if row[name] != row[name] else row[name] for name in columns),
            cells=tuple(cell(name, row) for name in columns),
            spread=spread_of(row),
            over=row.get(OVER, ""),
        )
        for place, row in enumerate(plain)
    )


def score_cell(row: Mapping[Any, Any], *, apart: bool = False) -> str:
    """Return the score of a row in words: of a point with its spread (unless `apart`), else the state in its place."""
    value = row["score"]
    if value != value:
        return "no value" if row["state"] in SCORED_STATES else str(row["state"])
    spread = None if apart else spread_of(row)
    return mean_text(value, spread) if spread else score_text(value)


def _cell(data: JobData, name: str, row: Mapping[Any, Any], *, apart: bool = False) -> str:
    value = row[name]
    if name == "score":
        return score_cell(row, apart=apart)
    if name in (*data.metrics.values(), "score_std", "initial_val_loss"):
        return score_text(value)
    if name in ("seconds_per_epoch", "ms_per_step"):
        return measured_text(value)
    if name == OVER:
        return str(value)
    if data.lacks(row, name):
        return ""
    if name not in OURS and value != value:
        return label(None)
    if name == "seconds" and value == value:
        return measured_text(value) if value < 100 else f"{value:.1f}"
    if apart and isinstance(value, (list, tuple)):
        # For programs as `export` has it: `1-2` is a day to spreadsheets.
        return json.dumps(value, ensure_ascii=False)
    return label(value) if apart or name in OURS else data.shown(name, label(value))


def spread_of(row: Mapping[Any, Any]) -> Spread | None:
    """Return the spread of the score in a row of points; None in one of trials."""
    if "score_n" not in row:
        return None
    std = row["score_std"]
    return Spread(None if std != std else std, row["score_n"], row["score_of"], row["score_diverged"])
