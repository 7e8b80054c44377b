"""How the scores of the best points spread over repeats and folds."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.standings import Standings

#: How many points are shown.
MOST_POINTS = 20


@dataclass(frozen=True, slots=True)
class PointSpread:
    """A point and the scores of its trials.

    Attributes:
        rank: Its rank, from 1.
        settings: Its values on the axes, as text.
        mean: The mean of its scores.
        scores: The scores, those of its trials that have one.
        repeats: For each of them the seeds and the fold in which it differs from the others, as text.
        trials: Their ids.
    """

    rank: int
    settings: tuple[tuple[str, str], ...]
    mean: float
    scores: tuple[float, ...]
    repeats: tuple[str, ...]
    trials: tuple[str, ...]


def spreads(data: JobData, order: Standings) -> tuple[PointSpread, ...]:
    """Return the best points of a job with repeats or folds; nothing where points are trained once."""
    if not data.job.record.has_groups:
        return ()
    names = [name for name in data.job.record.differing if name in data.trials]
    found = []
    for place in range(min(MOST_POINTS, order.scored)):
        rows = [order.row(trial) for trial in order.members[place]]
        scored = [row for row in rows if not pd.isna(row["score"])]
        found.append(
            PointSpread(
                rank=place + 1,
                settings=data.settings_texts(rows[0]),
                mean=sum(float(row["score"]) for row in scored) / len(scored),
                scores=tuple(float(row["score"]) for row in scored),
                repeats=tuple(", ".join(f"{name.replace('_', ' ')} {row[name]}" for name in names) for row in scored),
                trials=tuple(str(row["trial"]) for row in scored),
            )
        )
    return tuple(found)
