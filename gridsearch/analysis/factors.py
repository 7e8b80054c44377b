"""A grid as a factorial experiment: its axes as factors, their values as levels, its trials with a score as runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsearch.analysis.choices import WITHIN, Within
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import ordered_values, with_seen
from gridsearch.config.axes import Axis
from gridsearch.config.identity import point_of
from gridsearch.config.trial import REPEATED_SEEDS
from gridsearch.errors import nearest

Codes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
_SHARES: dict[Within, float] = {"all": 1.0, "half": 0.5, "quarter": 0.25}
#: An axis of numbers with more values than this, and fewer trials to a value than that, is read in so many ranges: of
#: drawn values hardly two are equal. Where points were drawn, ranges take the place of as many values as there are
#: ranges: chance alone decides how many trials a value has, often one.
MOST_VALUES, _FEWEST_TRIALS, RANGES = 12, 4, 5
#: Axes whose values are draws, not amounts.
SEEDS = frozenset(REPEATED_SEEDS["both"])
#: What stands for the value of a setting that a trial's model does not have.
WITHOUT = "–"


@dataclass(frozen=True, eq=False)
class Factor:
    """An axis on which trials with a score differ.

    Attributes:
        name: The axis's column.
        levels: Its values as text, ascending, long numbers rounded; of names in the order of the job. Ranges where it
            has very many.
        keys: The same in full; empty for ranges.
        codes: (N,) each trial's place in `levels`.
        numbers: (N,) each trial's value where it is a number throughout; None for names.
        ranges: Whether levels are ranges of values.
    """

    name: str
    levels: tuple[str, ...]
    keys: tuple[str, ...]
    codes: Codes
    numbers: Numbers | None
    ranges: bool = False

    @property
    def nested(self) -> bool:
        """Whether some trials do not have the setting: their level is the last one, `WITHOUT`."""
        return self.levels[-1] == WITHOUT


@dataclass(frozen=True, eq=False)
class Design:
    """The trials of a job that have a score, as runs of an experiment.

    Attributes:
        heading: What the score is.
        highest: Whether a higher score is better.
        trials: Their ids, N of them.
        scores: (N,).
        wins: (N,) whether each may be the best: it exceeds no constraint.
        factors: The axes on which they differ, in the job's order.
        constant: The axes on which they do not.
        points: (N,) which trials are repeats or folds of one point.
        within: Which of the trials with a score these are.
        of: How many trials with a score there are.
        complete: Whether each combination of all values has equally many trials, and at least one.
        empty: How many points of the job have no trial with a score.
        unscored: The values of axes that trials have, but none with a score, by the axis's column; of a part of the
            trials none is told.
    """

    heading: str
    highest: bool
    trials: tuple[str, ...]
    scores: Numbers
    wins: npt.NDArray[np.bool_]
    factors: tuple[Factor, ...]
    constant: tuple[str, ...]
    points: Codes
    within: Within
    of: int
    complete: bool
    empty: int
    unscored: Mapping[str, tuple[str, ...]]

    def factor(self, name: str) -> Factor:
        """Return the factor of that name; `TableError` names the nearest one, or says that it does not vary."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        if name in self.constant:
            raise TableError(f"axis {name!r} has one value among the trials with a score: it has no effect to tell")
        raise TableError(f"unknown axis {name!r}{nearest(name, [factor.name for factor in self.factors])}")


def design(data: JobData, within: str = "all") -> Design:
    """Return the trials of a job with a score as an experiment.

    Args:
        data: The job.
        within: `all`, or the better `half` or `quarter`: trials as good as the last of these are among them.

    Raises:
        TableError: `within` is none of these.
    """
    if within not in WITHIN:
        raise TableError(f"unknown part {within!r}{nearest(within, WITHIN)}")
    part: Within = WITHIN[WITHIN.index(within)]
    scored = data.trials[np.isfinite(data.trials["score"]) & (data.trials["state"] != "diverged")]
    frame = _better(scored, _SHARES[part], highest=data.objective.highest)
    found = [_factor(data, axis, name, frame) for axis, name in zip(data.axes, data.axis_columns, strict=True)]
    factors = tuple(factor for factor in found if len(factor.levels) > 1)
    points = _points(data, frame)
    return Design(
        heading=data.objective.heading,
        highest=data.objective.highest,
        trials=tuple(frame["trial"]),
        scores=frame["score"].to_numpy(np.float64),
        wins=(frame["over"] == "").to_numpy(np.bool_) if "over" in frame else np.ones(len(frame), np.bool_),
        factors=factors,
        constant=tuple(factor.name for factor in found if len(factor.levels) < 2),
        points=points,
        within=part,
        of=len(scored),
        complete=_is_complete(factors, len(frame)),
        empty=len(set(_points(data, data.trials).tolist())) - len(set(points.tolist())) if part == "all" else 0,
        unscored=_unscored(data, frame) if part == "all" else {},
    )


def _better(scored: pd.DataFrame, share: float, *, highest: bool) -> pd.DataFrame:
    if share == 1.0 or scored.empty:
        return scored
    count = max(1, round(share * len(scored)))
    ordered = scored["score"].sort_values(ascending=not highest)
    least = ordered.iloc[count - 1]
    chosen: pd.DataFrame = scored[scored["score"] >= least if highest else scored["score"] <= least]
    return chosen


def _factor(data: JobData, axis: Axis, name: str, frame: pd.DataFrame) -> Factor:
    texts = data.texts(axis, frame)
    values: list[Any] = frame[name].tolist()
    full = with_seen(replace(axis, name=name), dict(zip(texts, values, strict=True)))
    seen = set(texts)
    order = [text for text in map(label, ordered_values(full)) if text in seen]
    order += [WITHOUT] if "" in seen else []
    places = {text: place for place, text in enumerate(order)}
    codes = np.array([places[text or WITHOUT] for text in texts], np.intp)
    # A seed is a draw: of two neither is the larger.
    named = full.scale == "category" or "" in seen or axis.name in SEEDS
    numbers = None if named else frame[name].to_numpy(np.float64)
    most, count = MOST_VALUES, len(texts)
    if data.job.record.search:
        most, count = RANGES, len(set(_points(data, frame).tolist()))
    if numbers is not None and len(order) > max(most, count // _FEWEST_TRIALS):
        return _ranges(name, numbers, [data.shown(name, text) for text in order], codes)
    return Factor(name, tuple(data.shown(name, text) for text in order), tuple(order), codes, numbers)


def _ranges(name: str, numbers: Numbers, levels: Sequence[str], codes: Codes) -> Factor:
    """Return an axis of very many values as ranges of equally many trials."""
    ends = np.searchsorted(np.quantile(codes, np.linspace(0, 1, RANGES + 1)[1:-1]), codes, side="left")
    parts = [np.flatnonzero(ends == place) for place in range(RANGES)]
    texts = [f"{levels[codes[part].min()]} to {levels[codes[part].max()]}" for part in parts if len(part)]
    _, places = np.unique(ends, return_inverse=True)
    return Factor(name, tuple(texts), ("",) * len(texts), places.astype(np.intp), numbers, ranges=True)


def _points(data: JobData, frame: pd.DataFrame) -> Codes:
    if not data.job.record.has_groups:
        return np.arange(len(frame), dtype=np.intp)
    seeds = data.job.record.repeated_seeds
    of_trials = [point_of(data.rows[place].config, seeds) for place in frame.index]
    return pd.factorize(pd.Series(of_trials, dtype="str"))[0].astype(np.intp)


def _unscored(data: JobData, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the values of axes of which no trial has a score, as `frame` has those that do."""
    if len(frame) == len(data.trials):
        return {}
    found = {}
    for axis, name in zip(data.axes, data.axis_columns, strict=True):
        # Of drawn values most are one trial's, which says nothing of a value.
        if data.job.record.search and axis.scale != "category":
            continue
        missing = set(data.texts(axis, data.trials)) - set(data.texts(axis, frame)) - {""}
        declared = [text for text in map(label, ordered_values(axis)) if text in missing]
        if declared:
            found[name] = tuple(data.shown(name, text) for text in declared)
    return found


def _is_complete(factors: Sequence[Factor], count: int) -> bool:
    """Return whether all combinations of the factors' levels have equally many runs."""
    if any(factor.ranges for factor in factors):
        return False
    if not factors:
        return bool(count)
    cells = math.prod(len(factor.levels) for factor in factors)
    runs = np.unique(cell_codes(factors)[0], return_counts=True)[1]
    return bool(len(runs) == cells and runs.min() == runs.max())


def cell_codes(factors: Sequence[Factor]) -> tuple[npt.NDArray[np.int64], int]:
    """Return the cell (N,) of each run in the grid of some factors, and how many cells that has.

    Of more cells than an int64 numbers, those that have a run are numbered.
    """
    total = 1
    places = np.zeros(len(factors[0].codes), np.int64)
    for factor in factors:
        total *= len(factor.levels)
        if total >= 2**62:
            _, places = np.unique(places, return_inverse=True)
            total = (int(places.max()) + 1) * len(factor.levels)
        places = places * len(factor.levels) + factor.codes
    return places, total
