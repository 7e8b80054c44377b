"""The score of every trial against any axis, coloured by any other: one board of numbers for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

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
    """

    name: str
    title: str
    placement: Placement
    levels: Levels
    true: tuple[str, ...]
    drawn: tuple[float | None, ...]
    group: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The trials that have a score, in the grid's order, and where each stands on every axis."""

    axes: tuple[BoardAxis, ...]
    objective: Objective
    trials: tuple[str, ...]
    scores: tuple[float, ...]
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


def board(data: JobData) -> Board:
    """Return the numbers behind every scatter plot of a job."""
    finished = data.trials[data.trials["score"].notna()]
    trials: list[str] = finished["trial"].tolist()
    return Board(
        axes=tuple(
            _axis(
                replace(axis, name=column),
                finished[column].tolist(),
                data.texts(axis, finished),
                trials,
                _spread(data.trials[column]),
            )
            for axis, column in zip(data.axes, data.axis_columns, strict=True)
        ),
        objective=data.objective,
        trials=tuple(trials),
        scores=tuple(finished["score"].tolist()),
        diverged=int((data.trials["state"] == TrialState.DIVERGED.value).sum()),
    )


def thinned(full: Board, most: int) -> Board:
    """Return at most that many of a board's trials, taken evenly from worst to best, ends included."""
    count = len(full.trials)
    if count <= most:
        return full
    order = sorted(range(count), key=lambda place: full.scores[place])
    kept = sorted(order[round(step * (count - 1) / (most - 1))] for step in range(most))
    return replace(
        full,
        trials=tuple(full.trials[place] for place in kept),
        scores=tuple(full.scores[place] for place in kept),
        axes=tuple(_kept(axis, kept) for axis in full.axes),
    )


def _kept(axis: BoardAxis, places: Sequence[int]) -> BoardAxis:
    return replace(
        axis,
        true=tuple(axis.true[place] for place in places),
        drawn=tuple(axis.drawn[place] for place in places),
        group=tuple(axis.group[place] for place in places),
    )


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


def _axis(axis: Axis, values: Sequence[object], true: Sequence[str], trials: Sequence[str], spread: float) -> BoardAxis:
    full = with_seen(axis, dict(zip(true, values, strict=True)))
    where, groups = placement(full), levels(full)
    return BoardAxis(
        name=axis.name,
        title=axis_title(axis.name),
        placement=where,
        levels=groups,
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
    return place * 10**shift if where.scale == "log" else place + shift
