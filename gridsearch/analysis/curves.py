"""The curves of trials over their epochs: of the best, the median and the worst, and of any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.frames import JobData, metrics_of_curves
from gridsearch.analysis.measures import overfit_epoch
from gridsearch.analysis.plots import Plot, plots_of
from gridsearch.analysis.standings import Standing, Standings, standings
from gridsearch.store.rows import LineageCurve

MOST_PER_GROUP = 3


@dataclass(frozen=True, slots=True)
class Curves:
    """Up to three curves each of the best, median and worst rows of the table of results; none is in two groups.

    Attributes:
        best: The best, best first.
        median: From the middle of the ranking.
        worst: The worst, worst last.
        total: The number of places in the ranking.
        unit: What a row is: `trial`, or `point`, which is drawn by one of its trials.
        plots: What is drawn of them, the most telling first.
    """

    best: tuple[Curve, ...]
    median: tuple[Curve, ...]
    worst: tuple[Curve, ...]
    total: int
    unit: str = "trial"
    plots: tuple[Plot, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, tuple[Curve, ...]], ...]:
        """Return the groups that have curves, with their names."""
        named = (("best", self.best), ("median", self.median), ("worst", self.worst))
        return tuple((name, curves) for name, curves in named if curves)


def curves(data: JobData, order: Standings | None = None) -> Curves:
    """Return the curves of the best, median and worst trials that have a result; needs the epochs.

    `order` are the job's standings, where they are at hand.
    """
    order = standings(data) if order is None else order
    groups = {
        name: curves_of(data, order, range(*bounds), name) for name, bounds in _bounds(len(order), order.scored).items()
    }
    return Curves(
        **groups,
        total=len(order),
        unit="point" if data.job.record.has_groups else "trial",
        plots=plots_of(data.job.record, [curve for group in groups.values() for curve in group]),
    )


def curves_of(data: JobData, ranking: Standings, places: Sequence[int], group: str) -> tuple[Curve, ...]:
    """Return the curves of the trials at these places of a ranking."""
    own = data.own_curves([data.rows[data.place_of[ranking.trials[place]]] for place in places])
    return tuple(
        _curve(data, ranking[place], curve, (group, place + 1)) for place, curve in zip(places, own, strict=True)
    )


def _bounds(count: int, scored: int) -> dict[str, tuple[int, int]]:
    """Return where the three groups start and stop in the ranking: as many each as fit without an overlap.

    Only trials with a score, within the constraints, can be the best; where none has one, all that is
    shown are the worst.
    """
    size = min(MOST_PER_GROUP, max(1, count // 3))
    middle = (count - size) // 2
    return {
        "best": (0, min(size, scored)),
        "median": (middle, middle + size) if scored and count >= 3 else (0, 0),
        "worst": (count - size, count) if count >= 2 or scored < count else (0, 0),
    }


def _curve(data: JobData, standing: Standing, own: LineageCurve, place: tuple[str, int]) -> Curve:
    row = standing.row
    return Curve(
        trial=row["trial"],
        group=place[0],
        rank=place[1],
        score=_finite(row["score"]),
        settings=data.settings_texts(row),
        epochs=own.epoch,
        values={name: tuple(map(_finite, own.metric(name))) for name in metrics_of_curves([own])},
        diverged_epoch=None if pd.isna(row["diverged_epoch"]) else int(row["diverged_epoch"]),
        overfit_epoch=overfit_epoch(own),
        of_point=standing.of_point,
        repeat=standing.repeat,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
