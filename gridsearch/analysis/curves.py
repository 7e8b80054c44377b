"""The curves of trials over their epochs: the best, the cheapest as good, the median, the worst, and any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.frames import JobData, metrics_of_curves
from gridsearch.analysis.measures import overfit_epoch
from gridsearch.analysis.plots import Plot, plots_of
from gridsearch.analysis.roles import CHEAPEST, RoleCurves, places_by_role
from gridsearch.analysis.standings import Standing, Standings, standings
from gridsearch.analysis.ties import Ties
from gridsearch.store.rows import LineageCurve

MOST_PER_GROUP = 3


@dataclass(frozen=True, slots=True)
class Curves:
    """Up to three curves each of the best, median and worst rows of the table of results; none is in two groups.

    Attributes:
        best: The best, best first; the last of three is the cheapest that is as good (`Ties.take`), where
            it is in no group by its rank.
        median: From the middle of the ranking.
        worst: The worst, worst last.
        total: The number of places in the ranking.
        unit: What a row is: `trial`, or `point`, which is drawn by one of its trials.
        plots: What is drawn of them, the most telling first.
        named: The best, the runner-up, the cheapest as good, the median and the worst, each once, best first.
    """

    best: tuple[Curve, ...]
    median: tuple[Curve, ...]
    worst: tuple[Curve, ...]
    total: int
    unit: str = "trial"
    plots: tuple[Plot, ...] = ()
    named: tuple[RoleCurves, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, tuple[Curve, ...]], ...]:
        """Return the groups that have curves, with their names."""
        named = (("best", self.best), ("median", self.median), ("worst", self.worst))
        return tuple((name, curves) for name, curves in named if curves)


def curves(data: JobData, order: Standings | None = None, tied: Ties | None = None) -> Curves:
    """Return the curves of the best, median and worst trials that have a result; needs the epochs.

    Args:
        data: The job.
        order: Its standings, where they are at hand.
        tied: What is tied for the first place; without it there is no cheapest of them.
    """
    order = standings(data) if order is None else order
    roles = places_by_role(order, tied)
    places = {name: list(range(*bounds)) for name, bounds in _bounds(len(order), order.scored).items()}
    cheapest = next((place for place, names in roles.items() if CHEAPEST in names), None)
    if cheapest is not None and not any(cheapest in own for own in places.values()):
        places["best"] = [*places["best"][: MOST_PER_GROUP - 1], cheapest]
    groups = {name: curves_of(data, order, own, name) for name, own in places.items()}
    groups = {name: tuple(_titled(curve, roles) for curve in own) for name, own in groups.items()}
    named = tuple(_of_roles(data, order, place, names) for place, names in roles.items())
    drawn = [curve for group in groups.values() for curve in group] + [one.curve for one in named]
    return Curves(
        **groups,
        total=len(order),
        unit="point" if data.job.record.has_groups else "trial",
        plots=plots_of(data.job.record, drawn),
        named=named,
    )


def _titled(curve: Curve, roles: dict[int, tuple[str, ...]]) -> Curve:
    """Return the curve with what it is in place of its group, where it is something by name."""
    names = roles.get(curve.rank - 1)
    return replace(curve, group=RoleCurves(names, curve).name) if names else curve


def _of_roles(data: JobData, order: Standings, place: int, roles: tuple[str, ...]) -> RoleCurves:
    members, group = order.members[place], (", ".join(roles), place + 1)
    own = data.own_curves([data.rows[data.place_of[trial]] for trial in members])
    found = {
        trial: _curve(data, order.member(place, trial), curve, group) for trial, curve in zip(members, own, strict=True)
    }
    repeats = tuple(curve for curve in found.values() if curve.epochs) if len(members) > 1 else ()
    return RoleCurves(roles, found[order.trials[place]], repeats)


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
