"""The trials that stand for the rows of a ranking: where rows are points, one trial for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.frames import OVER, JobData
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.labels import label
from gridsearch.analysis.question import has_groups, repeated_seeds
from gridsearch.analysis.ranking import ranked, score_cell
from gridsearch.spec.identity import point_of
from gridsearch.spec.outcomes import TrialState


@dataclass(frozen=True, slots=True)
class Standing:
    """A place in the ranking: a trial, as a row of `JobData.trials`, and the members whose place it is.

    Where rows are points, `of_point` is the point's mean with its spread, in words, and `repeat` the seeds and the fold
    by which the trial differs from the others of its point; `members` are these, the trial included. `leads`: it may
    be the best, having a score and keeping the constraints.
    """

    row: Mapping[Any, Any]
    members: tuple[str, ...]
    leads: bool
    of_point: str = ""
    repeat: tuple[tuple[str, str], ...] = ()


def standings(data: JobData) -> list[Standing]:
    """Return the rows of the table of results, best first, each with the trial that stands for it.

    For a point that is the trial with the middle score (the lower of two), and one that diverged where any did.
    """
    rows = {str(row["trial"]): row for row in data.trials.to_dict("records")}
    if not has_groups(data.job):
        order = ranked(data).to_dict("records")
        return [Standing(rows[row["trial"]], (row["trial"],), _leads(row)) for row in order]
    seeds = repeated_seeds(data.job)
    points: dict[str, list[str]] = {}
    for trial in data.rows:
        points.setdefault(point_of(trial.config, seeds), []).append(trial.trial_id)
    members_of = {members[0]: members for members in points.values()}
    differing = [*seeds, "fold"] if data.job.spec.get("folds") else [*seeds]
    found = []
    for point in ranked(grouped(data)).to_dict("records"):
        members = members_of[point["trial"]]
        row = _middle([rows[trial] for trial in members])
        repeat = tuple((name, label(row[name])) for name in differing if len({rows[one][name] for one in members}) > 1)
        found.append(Standing(row, tuple(members), _leads(point), score_cell(point), repeat))
    return found


def _leads(row: Mapping[Any, Any]) -> bool:
    return not pd.isna(row["score"]) and row["state"] != TrialState.DIVERGED.value and not row.get(OVER, "")


def _middle(members: Sequence[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    lost = [row for row in members if row["state"] == TrialState.DIVERGED.value]
    scored = sorted((row for row in members if not pd.isna(row["score"])), key=lambda row: row["score"])
    if lost or not scored:
        return [*lost, *members][0]
    return scored[(len(scored) - 1) // 2]
