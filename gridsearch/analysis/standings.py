"""The trials that stand for the rows of a ranking: where rows are points, one trial for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import pandas as pd

from gridsearch.analysis.column_names import OVER
from gridsearch.analysis.frames import JobData, may_win
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.labels import label
from gridsearch.analysis.ranking import ranking_order, score_cell
from gridsearch.config.events import TrialState
from gridsearch.config.identity import point_of


@dataclass(frozen=True, slots=True)
class Standing:
    """A place in the ranking, with the trial that represents it.

    Attributes:
        row: The trial, as a row of `JobData.trials`.
        members: The ids of all trials of the place, the representative included.
        leads: Whether it may be the best: it has a score and keeps the constraints.
        of_point: Of a point its mean with its spread, in words.
        repeat: Of a point the seeds and the fold in which the trial differs from its others.
    """

    row: Mapping[Any, Any]
    members: tuple[str, ...]
    leads: bool
    of_point: str = ""
    repeat: tuple[tuple[str, str], ...] = ()


class Standings(Sequence[Standing]):
    """The places of a ranking, best first. Of very many few are shown: a place is put into words when it is asked for.

    `trials` are the ids of the trials that stand for them, `members` of all whose place it is, `scored` counts the
    places whose trial leads.
    """

    def __init__(self, data: JobData) -> None:
        self._data = data
        self._points = data.job.record.has_groups
        points = grouped(data) if self._points else data
        places = ranking_order(points)
        order = points.trials[[name for name in ("trial", "state", "score", OVER) if name in points.trials]].loc[places]
        # Of points the rest of the row is their mean and its spread.
        self._order = points.trials.loc[places] if self._points else order[[]]
        self._leads = may_win(order).tolist()
        firsts: list[str] = order["trial"].tolist()
        self.members: list[tuple[str, ...]] = self._of_points(firsts) if self._points else [(one,) for one in firsts]
        self.trials = [self._middle(members) for members in self.members] if self._points else firsts

    @property
    def scored(self) -> int:
        """Return how many places may be the best."""
        return sum(self._leads)

    def __len__(self) -> int:
        return len(self.trials)

    @overload
    def __getitem__(self, place: int) -> Standing: ...
    @overload
    def __getitem__(self, place: slice) -> list[Standing]: ...
    def __getitem__(self, place: int | slice) -> Standing | list[Standing]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return self.member(place, self.trials[place])

    def member(self, place: int, trial: str) -> Standing:
        """Return a place as one of its trials stands for it."""
        members, leads, row = self.members[place], self._leads[place], self.row(trial)
        if not self._points:
            return Standing(row, members, leads)
        rows = [self.row(member) for member in members]
        differing = [name for name in self._data.job.record.differing if len({row[name] for row in rows}) > 1]
        repeat = tuple((name, label(row[name])) for name in differing)
        return Standing(row, members, leads, score_cell(_row(self._order, place)), repeat)

    def row(self, trial: str) -> Mapping[Any, Any]:
        """Return a trial's row of `JobData.trials`."""
        return _row(self._data.trials, self._data.place_of[trial])

    def _of_points(self, firsts: Sequence[str]) -> list[tuple[str, ...]]:
        points: dict[str, list[str]] = {}
        for row in self._data.rows:
            points.setdefault(point_of(row.config, self._data.job.record.repeated_seeds), []).append(row.trial_id)
        members_of = {trial: tuple(members) for members in points.values() for trial in members}
        return [members_of[first] for first in firsts]

    def _middle(self, members: Sequence[str]) -> str:
        """Return the trial of a point that stands for it: see `standings`."""
        trials = self._data.trials
        places = [self._data.place_of[trial] for trial in members]
        states, scores = trials["state"].iloc[places].tolist(), trials["score"].iloc[places].tolist()
        lost = [one for one, state in zip(members, states, strict=True) if state == TrialState.DIVERGED.value]
        known = [(score, one) for one, score in zip(members, scores, strict=True) if not pd.isna(score)]
        scored = sorted(known, key=lambda pair: pair[0])
        if lost or not scored:
            return [*lost, *members][0]
        return scored[(len(scored) - 1) // 2][1]


def standings(data: JobData) -> Standings:
    """Return the rows of the table of results, best first, each with the trial that represents it.

    For a point that is the trial with the middle score (the lower of two), or one that diverged if any did.
    """
    return Standings(data)


def _row(frame: pd.DataFrame, place: int) -> Mapping[Any, Any]:
    return next(iter(frame.iloc[[place]].to_dict("records")))
