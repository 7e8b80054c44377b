"""What trials cost, beside their score: who is the best at each price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ties import COSTS

#: How people call a cost, with its unit.
TITLES = {
    "parameters": "parameters",
    "macs": "multiply-adds for one image",
    "epochs": "epochs",
    "seconds": "seconds of training",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost of trials with a score.

    Attributes:
        name: Which it is, of `COSTS`.
        values: What each costs; None where that is not known.
        frontier: The places of the trials of which none is both cheaper or as cheap, and better: the cheapest first.
    """

    name: str
    values: tuple[float | None, ...]
    frontier: tuple[int, ...]


def costs(data: JobData, trials: tuple[str, ...]) -> tuple[Cost, ...]:
    """Return the costs in which trials differ, those of the trials given by their ids, each of which has a score.

    The frontier is that of all trials with a score, as far as these are among those given.
    """
    frame = data.trials[data.trials["score"].notna() & (data.trials["state"] != "diverged")]
    scores = frame["score"].to_numpy(np.float64) * (1 if data.objective.highest else -1)
    ids = frame["trial"].tolist()
    places = {trial: place for place, trial in enumerate(trials)}
    found = []
    for name in COSTS:
        if name not in frame:
            continue
        own = frame[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        known = ~np.isnan(own)
        if len(set(own[known].tolist())) < 2:
            continue
        values = dict(zip(ids, own.tolist(), strict=True))
        order = [place for place in np.lexsort((-scores, own)).tolist() if known[place]]
        frontier, best = [], -np.inf
        for place in order:
            if scores[place] > best:
                best = scores[place]
                frontier.append(ids[place])
        shown = tuple(None if values[trial] != values[trial] else values[trial] for trial in trials)
        found.append(Cost(name, shown, tuple(places[trial] for trial in frontier if trial in places)))
    return tuple(found)
