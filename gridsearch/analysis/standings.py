"""The trials that stand for the rows of a ranking: where rows are points, one trial for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.frames import JobData, may_win
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.labels import label
from gridsearch.analysis.ranking import ranked, score_cell
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


def standings(data: JobData) -> list[Standing]:
    """Return the rows of the table of results, best first, each with the trial that represents it.

    For a point that is the trial with the middle score (the lower of two), or one that diverged if any did.
    """
    rows = {str(row["trial"]): row for row in data.trials.to_dict("records")}
    record = data.job.record
    order = ranked(grouped(data) if record.has_groups else data)
    leading = may_win(order).tolist()
    if not record.has_groups:
        return [Standing(rows[trial], (trial,), leads) for trial, leads in zip(order["trial"], leading, strict=True)]
    points: dict[str, list[str]] = {}
    for trial in data.rows:
        points.setdefault(point_of(trial.config, record.repeated_seeds), []).append(trial.trial_id)
    members_of = {trial: members for members in points.values() for trial in members}
    found = []
    for point, leads in zip(order.to_dict("records"), leading, strict=True):
        members = members_of[point["trial"]]
        row = _middle([rows[trial] for trial in members])
        differing = (name for name in record.differing if len({rows[one][name] for one in members}) > 1)
        repeat = tuple((name, label(row[name])) for name in differing)
        found.append(Standing(row, tuple(members), leads, score_cell(point), repeat))
    return found


def _middle(members: Sequence[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    lost = [row for row in members if row["state"] == TrialState.DIVERGED.value]
    scored = sorted((row for row in members if not pd.isna(row["score"])), key=lambda row: row["score"])
    if lost or not scored:
        return [*lost, *members][0]
    return scored[(len(scored) - 1) // 2]
