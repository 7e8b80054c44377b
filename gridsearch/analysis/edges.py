"""Where the best trial lies on the edge of the grid: the real best may lie beyond it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.column_names import OVER, SPREAD
from gridsearch.analysis.factors import SEEDS
from gridsearch.analysis.frames import JobData, may_win
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import ordered_values
from gridsearch.analysis.ranking import leader
from gridsearch.config.axes import Axis
from gridsearch.config.events import RESULT_STATES
from gridsearch.config.metrics import of_training

#: What a reader may conclude.
BEYOND = "Values beyond may do better."
#: Edges of the possible, not of the grid: no decay, one image to a batch.
_NO_SMALLER = frozenset({"0", "1"})


@dataclass(frozen=True, slots=True)
class Edge:
    """An axis whose best value is the smallest or the largest of those with a result.

    Attributes:
        axis: The axis.
        column: Its column in the trials.
        key: The best value in full.
        value: The same as people read it.
        largest: Whether it is the largest, not the smallest.
    """

    axis: Axis
    column: str
    key: str
    value: str
    largest: bool

    def __str__(self) -> str:
        """Return it as a sentence."""
        edge = "largest" if self.largest else "smallest"
        return f"The best value of {self.column.replace('_', ' ')} ({self.value}) is the {edge} tried."


def edge_notes(data: JobData) -> tuple[str, ...]:
    """Return a sentence for each of the `edges` of a job."""
    return tuple(map(str, edges(data)))


def edges(data: JobData) -> tuple[Edge, ...]:
    """Return the axes whose best value is the smallest or the largest of those with a result.

    An axis of fewer than three values is not among them, and none of which a value in between does as well: if its best
    score is within one standard error of the best of all (the one-standard-error rule, Breiman et al., 1984; Hastie et
    al., The Elements of Statistical Learning, section 7.10). That is the standard error of the best point's mean if
    points are trained several times, otherwise that of a share of so many validation images. For a loss measured once
    it is not known; then only an equal score does as well.
    """
    best = leader(data)
    if best is None or best.score is None:
        return ()
    points = grouped(data) if data.job.record.has_groups else data
    told = ["trial", "state", "score", OVER, *SPREAD, *points.axis_columns]
    needed = points.trials[[name for name in dict.fromkeys(told) if name in points.trials]]
    tried = needed[needed["state"].isin([state.value for state in RESULT_STATES])]
    frame = tried[may_win(tried)]
    row = frame[frame["trial"] == best.trial].to_dict("records")[0]
    sign = 1 if data.objective.highest else -1
    as_good = frame[sign * frame["score"] >= sign * best.score - _standard_error(data, row)]
    found = []
    for axis, name in zip(data.axes, data.axis_columns, strict=True):
        seen = set(points.texts(axis, tried))
        values = [text for text in map(label, ordered_values(axis)) if text in seen]
        if axis.scale == "category" or axis.name in SEEDS or len(values) < 3:
            continue
        outer, own = {values[0], values[-1]}, points.text(axis, row)
        between = not set(points.texts(axis, as_good)) - {""} <= outer
        largest = own == values[-1]
        if own in outer and (largest or own not in _NO_SMALLER) and not between:
            found.append(Edge(axis, name, own, data.shown(name, own), largest))
    return tuple(found)


def _standard_error(data: JobData, row: Mapping[Any, Any]) -> float:
    """Return how far the score of the best may lie from what it would be on all images of the kind, or 0."""
    if not pd.isna(deviation := row.get("score_std", math.nan)):
        return float(deviation) / math.sqrt(row["score_n"])
    asked = data.objective
    part = "train" if of_training(asked.metric) else "validation"
    images = data.job.record.images_of(data.rows[data.place_of[row["trial"]]].config).get(part)
    if not (asked.is_share and images):
        return 0.0
    share = min(max(float(row["score"]), 0.0), 1.0)
    return math.sqrt(share * (1 - share) / images)
