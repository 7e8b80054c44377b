"""The cells that two jobs share: equal values of the axes, with the score of each and their difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridsearch.analysis.choices import By
from gridsearch.analysis.column_names import setting_column
from gridsearch.analysis.comparing.contrast import setting_of
from gridsearch.analysis.comparing.overlap import measured_anew
from gridsearch.analysis.comparing.paired import Interval, difference, mean_interval
from gridsearch.analysis.comparing.sides import Side
from gridsearch.analysis.labels import label
from gridsearch.analysis.rounding import rounded

#: A cell, by the texts of its values on the axes.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedCell:
    """A combination of values that two jobs have a score for.

    Attributes:
        values: Its values on the axes, as text in full.
        texts: The same for people to read, long numbers rounded.
        scores: The score of the reference and of the other.
        trials: The trials that these are of: of a point its first, of a mean over points the best.
        points: How many points each job has in it.
        interval: The 95 % interval of the difference; None where its error is not known.
        sizes: Of how many trials each score is.
        common: How many of these are in both.
        independent: Whether it tells of one job against the other: no result is in both.
        same_images: Whether both scores are of the same images.
    """

    values: tuple[str, ...]
    texts: tuple[str, ...]
    scores: tuple[float, float]
    trials: tuple[str, str]
    points: tuple[int, int]
    interval: Interval | None
    sizes: tuple[int, int]
    common: int
    independent: bool
    same_images: bool

    @property
    def same(self) -> bool:
        """Whether both have the very same trials."""
        return self.sizes == (self.common, self.common)

    @property
    def difference(self) -> float:
        """Return the other's score minus the reference's."""
        return self.scores[1] - self.scores[0]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two jobs, cell by cell.

    Attributes:
        labels: The reference and the other.
        axes: The axes that tell cells apart.
        held: Those of them that are an axis of one job only, and have one of its values throughout the other.
        own: For each job its axes that tell no cells apart: a cell has all their values in it.
        cells: The cells that both have a score for, in the order of the reference's grid.
        alone: How many more cells each has a score for.
        mean: The mean of the differences of independent cells, where there is none of all; None without a cell.
        interval: Its 95 % interval (Student's t over cells); None of fewer than two independent cells.
        better: In how many of these cells the other is better, equal and worse.
        same: How many cells have the very same trials in both.
        independent: How many cells have no result that is in both.
        problem: Why there is no cell; empty where there is one.
    """

    labels: tuple[str, str]
    axes: tuple[str, ...]
    held: tuple[tuple[str, str], ...]
    own: tuple[tuple[str, ...], tuple[str, ...]]
    cells: tuple[SharedCell, ...] = ()
    alone: tuple[int, int] = (0, 0)
    mean: float | None = None
    interval: Interval | None = None
    better: tuple[int, int, int] = (0, 0, 0)
    same: int = 0
    independent: int = 0
    problem: str = ""

    def frame(self) -> pd.DataFrame:
        """Return one row per cell: the axes, both scores, the difference with its interval, both trials."""
        rows = [
            {
                **dict(zip(self.axes, cell.values, strict=True)),
                self.labels[0]: cell.scores[0],
                self.labels[1]: cell.scores[1],
                "difference": cell.difference,
                "low": None if cell.interval is None else cell.interval[0],
                "high": None if cell.interval is None else cell.interval[1],
                **{f"trial of {name}": trial for name, trial in zip(self.labels, cell.trials, strict=True)},
            }
            for cell in self.cells
        ]
        return pd.DataFrame(rows)


def pairing(reference: Side, other: Side, by: By = "best") -> Pairing:
    """Hold a job against another, cell by cell."""
    axes, held, own = _axes(reference, other)
    found = Pairing((reference.label, other.label), axes, held, own)
    if problem := _problem(reference, other, found):
        return _without(found, problem)
    sides = (reference, other)
    places = [_places(side, axes) for side in sides]
    alone = tuple(len(own_places.keys() - others.keys()) for own_places, others in (places, places[::-1]))
    shared = [key for key in places[0] if key in places[1]]
    if not shared:
        return _without(found, _disjoint(sides, axes, places))
    shown = _shown(axes, shared)
    chosen = [
        _rows(side, [own_places[key] for key in shared], by) for side, own_places in zip(sides, places, strict=True)
    ]
    anew = measured_anew(reference, other)
    cells = tuple(
        _cell(sides, (key, shown[key]), (one, two), by, anew=anew)
        for key, one, two in zip(shared, *chosen, strict=True)
    )
    independent = [cell for cell in cells if cell.independent]
    differences = [cell.difference for cell in independent or cells]
    signs = Counter(int(np.sign(one)) * (1 if reference.data.objective.highest else -1) for one in differences)
    return Pairing(
        labels=found.labels,
        axes=axes,
        held=held,
        own=own,
        cells=cells,
        alone=(alone[0], alone[1]),
        mean=float(np.mean(differences)),
        interval=mean_interval(differences) if independent else None,
        better=(signs[1], signs[0], signs[-1]),
        same=sum(cell.same for cell in cells),
        independent=len(independent),
    )


def _without(found: Pairing, problem: str) -> Pairing:
    return Pairing(found.labels, found.axes, found.held, found.own, problem=problem)


def _axes(
    reference: Side, other: Side
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the axes that tell cells apart, those that one job holds at a value, and each job's own."""
    records = [side.data.job.record for side in (reference, other)]
    apart, held = [], []
    own: tuple[list[str], list[str]] = ([], [])
    for name in dict.fromkeys(name for record in records for name in record.axis_names):
        having = [place for place, record in enumerate(records) if name in record.axis_names]
        if len(having) == 2:
            apart.append(name)
            continue
        (place,) = having
        fixed = setting_of(records[1 - place], name) or ()
        texts = {label(value) for value in records[place].values(name)}
        if len(fixed) == 1 and label(fixed[0]) in texts:
            apart.append(name)
            held.append((name, label(fixed[0])))
        else:
            own[place].append(name)
    return tuple(apart), tuple(held), (tuple(own[0]), tuple(own[1]))


def _problem(reference: Side, other: Side, found: Pairing) -> str:
    """Return why two jobs cannot be held against each other at all."""
    for side in (reference, other):
        if side.scored.empty:
            return f"no trial of {side.label} has a score yet"
    if not reference.comparable(other):
        words = [
            f"{side.label} asks for the {'highest' if side.data.objective.highest else 'lowest'}"
            f" {side.data.objective.metric}"
            for side in (reference, other)
        ]
        return f"there is no difference to tell: {' and '.join(words)}"
    if not found.axes and any(found.own):
        return f"no axis in common: {_own(reference)} and {_own(other)}"
    return ""


def _own(side: Side) -> str:
    return f"{side.label} has {', '.join(side.data.job.record.axis_names) or 'none'}"


def _places(side: Side, axes: Sequence[str]) -> dict[Key, list[int]]:
    """Return the places of the points with a score, by cell."""
    frame = side.scored
    found: dict[Key, list[int]] = {}
    columns = [_texts(side, frame, name) for name in axes]
    for place, key in enumerate(zip(*columns, strict=True) if columns else [()] * len(frame)):
        found.setdefault(key, []).append(place)
    return found


def _texts(side: Side, frame: pd.DataFrame, name: str) -> list[str]:
    """Return the text of a setting for each row; of one that a row's model does not have nothing."""
    record = side.data.job.record
    column = setting_column(name)
    if column not in frame:
        fixed = setting_of(record, name) or ("",)
        return [label(fixed[0])] * len(frame)
    known: dict[Any, str] = {}
    texts = []
    for trial, value in zip(frame["trial"].tolist(), frame[column].tolist(), strict=True):
        if side.data.lacks({"trial": trial}, column):
            texts.append("")
            continue
        kind = (type(value), value)
        if kind not in known:
            missing = not isinstance(value, (list, tuple)) and pd.isna(value)
            known[kind] = label(None) if missing else label(value)
        texts.append(known[kind])
    return texts


def _disjoint(sides: Sequence[Side], axes: Sequence[str], places: Sequence[Mapping[Key, Any]]) -> str:
    """Return that there is no cell in common, and on which axis that is seen."""
    for number, name in enumerate(axes):
        values = [list(dict.fromkeys(key[number] for key in own)) for own in places]
        if not set(values[0]) & set(values[1]):
            told = [
                f"{', '.join(own[:4])}{', ...' if len(own) > 4 else ''} in {side.label}"
                for own, side in zip(values, sides, strict=True)
            ]
            return f"no cell in common: {name} is {' and '.join(told)}"
    return f"no cell in common: no combination of {', '.join(axes)} has a score in both"


def _shown(axes: Sequence[str], keys: Sequence[Key]) -> dict[Key, tuple[str, ...]]:
    """Return the texts of cells for people to read: long numbers rounded."""
    columns = []
    for number in range(len(axes)):
        texts = dict.fromkeys(key[number] for key in keys)
        numbers = {text: _number(text) for text in texts}
        columns.append(rounded(numbers.values()) if all(type(one) is float for one in numbers.values()) else {})
    return {key: tuple(column.get(text, text) for column, text in zip(columns, key, strict=True)) for key in keys}


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What stands for a cell in one job.

    Attributes:
        row: Its best point.
        points: How many points the cell has.
        score: The score of the best, or their mean.
        members: The trials that the score is of.
    """

    row: dict[Any, Any]
    points: int
    score: float
    members: frozenset[str]


def _rows(side: Side, places: Sequence[Sequence[int]], by: By) -> list[_Chosen]:
    """Return for each cell what stands for it."""
    scores = side.scored["score"].to_numpy(np.float64)
    trials = side.scored["trial"].tolist()
    sign = 1 if side.data.objective.highest else -1
    best = [max(own, key=lambda place: sign * scores[place]) for own in places]
    rows = side.scored.iloc[best].to_dict("records")
    found = []
    for row, own, one in zip(rows, places, best, strict=True):
        asked = own if by == "mean" else [one]
        members = frozenset[str]().union(*(side.members(trials[place]) for place in asked))
        found.append(_Chosen(dict(row), len(own), float(scores[asked].mean()), members))
    return found


def _cell(
    sides: tuple[Side, Side], names: tuple[Key, tuple[str, ...]], chosen: tuple[_Chosen, _Chosen], by: By, *, anew: bool
) -> SharedCell:
    one, other = chosen
    common = len(one.members & other.members)
    independent = anew or not common
    interval: Interval | None = None
    scores = (one.score, other.score)
    # Of a mean over points no error is known, and of a result that is in both none is asked for.
    if independent and (by == "best" or one.points == other.points == 1):
        first, second, interval = difference((sides[0], one.row), (sides[1], other.row), together=common > 0)
        scores = (first, second)
    # The best of several was chosen for its score: its interval would be that of one that was not.
    if max(one.points, other.points) > 1:
        interval = None
    return SharedCell(
        values=names[0],
        texts=names[1],
        scores=scores,
        trials=(str(one.row["trial"]), str(other.row["trial"])),
        points=(one.points, other.points),
        interval=interval,
        sizes=(len(one.members), len(other.members)),
        common=common,
        independent=independent,
        same_images=sides[0].images(one.members) == sides[1].images(other.members),
    )
