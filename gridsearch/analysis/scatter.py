"""The score of every trial against any axis, coloured by any other: one board of numbers for all of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gridsearch.analysis.factors import MOST_VALUES, RANGES
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import axis_title
from gridsearch.analysis.levels import Levels, Placement, levels, placement, with_seen
from gridsearch.config.axes import Axis
from gridsearch.config.events import TrialState
from gridsearch.config.sections import Objective
from gridsearch.errors import nearest

#: How far points are moved aside at most, as a share of the distance to the nearest neighbouring value, and from how
#: many trials at one value on: fewer need less room.
_SPREAD, _CROWD = 0.26, 48


@dataclass(frozen=True, slots=True)
class BoardAxis:
    """An axis of the scatter plot; the last three sequences have one entry per trial.

    Attributes:
        name: The axis.
        title: Its name in words.
        placement: Where its values are drawn.
        levels: The colours of its values.
        true: Each trial's value as text.
        drawn: Its position, moved slightly so that trials do not cover each other (by a factor on log axes); None for a
            trial without the setting.
        group: The index of its colour in `levels`; -1 for a trial without the setting.
        varies: Whether the trials with a score, drawn or not, have more than one value.
        continuous: Whether its values are numbers that are many or were drawn: round numbers are its labels.
    """

    name: str
    title: str
    placement: Placement
    levels: Levels
    varies: bool
    true: tuple[str, ...]
    drawn: tuple[float | None, ...]
    group: tuple[int, ...]
    continuous: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """Trials that have a score, in the grid's order, and where each stands on every axis; `total` have one."""

    axes: tuple[BoardAxis, ...]
    objective: Objective
    trials: tuple[str, ...]
    scores: tuple[float, ...]
    total: int
    diverged: int

    @property
    def varying(self) -> tuple[BoardAxis, ...]:
        """The axes on which the trials drawn have more than one value."""
        return tuple(axis for axis in self.axes if len(set(axis.true)) > 1)

    def axis(self, name: str) -> BoardAxis:
        """Return the axis of that name."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise TableError(f"unknown axis {name!r}{nearest(name, [axis.name for axis in self.axes])}")


def board(data: JobData, most: int | None = None) -> Board:
    """Return the numbers behind every scatter plot of a job.

    Of more than `most` trials with a score so many are drawn, taken evenly from worst to best, ends included.
    """
    shown = data.trials[list(dict.fromkeys(["trial", "score", *data.axis_columns]))]
    finished = shown[shown["score"].notna()]
    trials: list[str] = finished["trial"].tolist()
    scores: list[float] = finished["score"].tolist()
    kept = _evenly(scores, most)
    drawn = [trials[place] for place in kept]
    axes = []
    for axis, column in zip(data.axes, data.axis_columns, strict=True):
        texts = data.texts(axis, finished)
        full = with_seen(replace(axis, name=column), dict(zip(texts, finished[column].tolist(), strict=True)))
        own = [texts[place] for place in kept]
        made = _axis(full, own, drawn, _spread(data.trials[column]), varies=len(set(texts)) > 1)
        most = RANGES if data.job.record.search else MOST_VALUES
        many = len(made.placement.positions) > most and made.placement.scale != "category"
        title = axis_title(full.name, ours=not data.job.record.training)
        axes.append(replace(made, title=title, continuous=many))
    return Board(
        axes=tuple(axes),
        objective=data.objective,
        trials=tuple(drawn),
        scores=tuple(scores[place] for place in kept),
        total=len(trials),
        diverged=int((data.trials["state"] == TrialState.DIVERGED.value).sum()),
    )


def _evenly(scores: Sequence[float], most: int | None) -> Sequence[int]:
    """Return the places of the trials to draw, ascending."""
    count = len(scores)
    if most is None or count <= most:
        return range(count)
    order = sorted(range(count), key=lambda place: scores[place])
    return sorted(order[round(step * (count - 1) / (most - 1))] for step in range(most))


def jitter(trial: str, axis: str) -> float:
    """Return a number in [-0.5, 0.5) that depends on the trial and the axis alone.

    So a trial stays where it was drawn when others finish, and two axes never move points along one diagonal.
    """
    draw = hashlib.blake2b(f"{axis}:{trial}".encode(), digest_size=4).digest()
    return int.from_bytes(draw, "big") / 2**32 - 0.5


def _spread(column: pd.Series[Any]) -> float:
    """Return how far points may be moved aside, given all the job's trials: finished ones stay where they are."""
    most = int(column.value_counts().max()) if column.notna().any() else 1
    return _SPREAD * min(1.0, (most - 1) / (_CROWD - 1))


def _axis(axis: Axis, true: Sequence[str], trials: Sequence[str], spread: float, *, varies: bool) -> BoardAxis:
    where, groups = placement(axis), levels(axis)
    return BoardAxis(
        name=axis.name,
        title=axis_title(axis.name),
        placement=where,
        levels=groups,
        varies=varies,
        true=tuple(true),
        drawn=tuple(
            _moved(where, text, 2 * spread * jitter(trial, axis.name)) for text, trial in zip(true, trials, strict=True)
        ),
        group=tuple(groups.group_of.get(text, -1) for text in true),
    )


def _moved(where: Placement, text: str, by: float) -> float | None:
    if text not in where.positions:
        return None
    shift = by * where.step
    place = where.positions[text]
    # No more digits than can be seen, of the way to the neighbour: a page has very many.
    decimals = 6 - math.floor(math.log10(where.step or 1.0))
    if where.scale == "log":
        return float(f"{place * 10**shift:.{max(1, decimals)}g}")
    return round(place + shift, decimals)
