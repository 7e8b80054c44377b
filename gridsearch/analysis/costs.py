"""What trials cost, beside their score: who is the best at each price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridsearch.analysis.factors import Numbers
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ties import COSTS

#: How people call a cost, with its unit.
TITLES = {
    "parameters": "parameters",
    "macs": "multiply-adds for one image",
    "epochs": "epochs",
    "seconds": "seconds of training",
}


@dataclass(frozen=True, slots=True)
class Priced:
    """A trial, or a point with several.

    Attributes:
        trial: Its id; of a point that of its first trial.
        value: What it costs.
        score: Its score; of a point the mean, as of several trainings one is always lucky.
    """

    trial: str
    value: float
    score: float


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost of trials with a score.

    Attributes:
        name: Which it is, of `COSTS`.
        values: What each costs; None where that is not known.
        frontier: Those of which none is both cheaper or as cheap, and better, the cheapest first.
    """

    name: str
    values: tuple[float | None, ...]
    frontier: tuple[Priced, ...]


def costs(data: JobData, trials: tuple[str, ...]) -> tuple[Cost, ...]:
    """Return the costs in which trials differ, those of the trials given by their ids, each of which has a score.

    The frontier is that of all trials with a score, or of all points.
    """
    frame = _scored(data)
    points = _scored(grouped(data)) if data.job.record.has_groups else frame
    found = []
    for name in COSTS:
        if name not in frame:
            continue
        own = _numbers(frame[name])
        if len(set(own[~np.isnan(own)].tolist())) < 2:
            continue
        values = dict(zip(frame["trial"].tolist(), own.tolist(), strict=True))
        shown = tuple(None if values[trial] != values[trial] else values[trial] for trial in trials)
        found.append(Cost(name, shown, _frontier(points, name, highest=data.objective.highest)))
    return tuple(found)


def _scored(data: JobData) -> pd.DataFrame:
    scored: pd.DataFrame = data.trials[data.trials["score"].notna() & (data.trials["state"] != "diverged")]
    return scored


def _numbers(column: pd.Series[Any]) -> Numbers:
    return np.asarray(column.astype("Float64").to_numpy(np.float64, na_value=np.nan), np.float64)


def _frontier(points: pd.DataFrame, name: str, *, highest: bool) -> tuple[Priced, ...]:
    scores, own = points["score"].to_numpy(np.float64), _numbers(points[name])
    signed = scores if highest else -scores
    ids = points["trial"].tolist()
    frontier, best = [], -np.inf
    for place in np.lexsort((-signed, own)).tolist():
        if not np.isnan(own[place]) and signed[place] > best:
            best = signed[place]
            frontier.append(Priced(ids[place], float(own[place]), float(scores[place])))
    return tuple(frontier)
