"""Which of the best cannot be told apart (see `score_error`), and which of these is the cheapest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridsearch.analysis.column_names import OVER
from gridsearch.analysis.factors import Numbers
from gridsearch.analysis.frames import JobData, may_win
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ranking import ranking_order
from gridsearch.analysis.score_error import Judge, Separation, score_error

#: What a trial costs, in the order in which it decides which is the cheapest.
COSTS = ("parameters", "macs", "epochs", "seconds")
#: What is said of the one to take: by the one-standard-error rule it is as good.
AS_GOOD = "within one standard error of the best"
#: How many of those that are tied are put into words.
MOST_LISTED = 50
#: Trials that take up to so many times, or so many seconds, as long as another are as quick.
_AS_QUICK, _AS_QUICK_SECONDS = 1.25, 5.0
_SPREAD_COLUMNS = ("score_std", "score_n")


@dataclass(frozen=True, slots=True)
class Tied:
    """A trial, or a point with several, that cannot be told from the best.

    Attributes:
        rank: Its rank, from 1.
        trial: Its id; of a point that of its first trial with a score.
        score: Its score; of a point the mean.
        interval: The 95 % interval of its score; None where no error is known.
        settings: Its values on the axes, as text.
        chance: How probable it is that it is the best of all, from 0 to 1; None where no error is known.
        costs: What it costs, as far as that is known: `COSTS`.
    """

    rank: int
    trial: str
    score: float
    interval: tuple[float, float] | None
    settings: tuple[tuple[str, str], ...]
    chance: float | None
    costs: tuple[tuple[str, float], ...]

    def cost(self, name: str) -> float | None:
        """Return one of its costs; None where it is not known."""
        return dict(self.costs).get(name)


@dataclass(frozen=True, slots=True, repr=False)
class Ties:
    """The best of a job, and all that cannot be told from it.

    Attributes:
        judge: What decides.
        heading: What the score is.
        images: How many images the score was measured on; None where that is not known.
        repeats: How many trials a point has.
        of: How many trials, or points, may be the best.
        count: How many are tied for the first place, the best included.
        last: The rank of the last of them.
        lowest: The worst score among them.
        tied: The first of them, best first.
        cheapest: By cost, the cheapest of all that are tied, where they differ in it.
        take: The one to take: of those within one standard error of the best (`ScoreError.near`) the cheapest, by the
            first of `COSTS` in which they differ; the best where they differ in none, or there is no other.
        separation: What would separate the best from it, or where it is the best, from the next with another score;
            None where all are equal.
        trials: The ids of all that are tied.
        paired: How many of these were held against the best image by image (`paired`), as it is known which of the same
            images they have right.
    """

    judge: Judge
    heading: str
    images: int | None
    repeats: int
    of: int
    count: int
    last: int
    lowest: float
    tied: tuple[Tied, ...]
    cheapest: tuple[tuple[str, Tied], ...]
    take: Tied
    separation: Separation | None
    trials: tuple[str, ...]
    paired: int = 0

    @property
    def best(self) -> Tied:
        """Return the best."""
        return self.tied[0]

    @property
    def text(self) -> str:
        """Return in a sentence which ranks are tied for the first place; nothing where none is."""
        return _text(self.count, self.last, equal=self.equal)

    @property
    def compared(self) -> str:
        """Return in words how images have decided: nothing where they have not, or were taken as two samples."""
        if not self.paired:
            return ""
        return "exact paired comparison" + ("" if self.paired == self.count - 1 else f" of {self.paired:,} of them")

    @property
    def on_images(self) -> str:
        """Return in words on which images they were held against each other, and how, where images have decided."""
        number = f"{self.images:,} images" if self.images else "their images"
        if self.compared:
            others = "" if self.paired == self.count - 1 else ", of the others as independent samples"
            return f"{'the same ' if self.images else ''}{number} ({self.compared}{others})"
        return number if self.equal else f"{number} (as independent samples: which each has right is not known)"

    @property
    def equal(self) -> bool:
        """Whether all that are tied have the same score."""
        return self.lowest == self.best.score

    def __repr__(self) -> str:
        return f"<{self.count} of {self.of} tied for the best {self.heading} {self.best.score:.6g}: see frame()>"

    def frame(self) -> pd.DataFrame:
        """Return one row for each that is listed: rank, trial, score with its interval, chance, costs and settings."""
        rows = [
            {
                "rank": one.rank,
                "trial": one.trial,
                "score": one.score,
                "low": one.interval[0] if one.interval else None,
                "high": one.interval[1] if one.interval else None,
                "chance": one.chance,
                **{name: one.cost(name) for name in COSTS},
                **dict(one.settings),
            }
            for one in self.tied
        ]
        return pd.DataFrame(rows).set_index("rank")


def ties(data: JobData) -> Ties | None:
    """Return the best trials, or points, that cannot be told apart; None where none may be the best."""
    points = grouped(data) if data.job.record.has_groups else data
    order = _winning(points)
    if order.empty:
        return None
    scores = order["score"].to_numpy(np.float64)
    error = score_error(data, order)
    tied = np.flatnonzero(error.tied(scores))
    chances = error.chances(scores, tied, highest=data.objective.highest)
    costs = {name: _cost(name, order.iloc[tied]) for name in COSTS}
    # Times are measured once, beside whatever else runs: what lies close to the quickest is as quick.
    deciding = costs | {"seconds": _alike(costs["seconds"])}
    near = np.flatnonzero(error.near(scores)[tied])

    columns = list(dict.fromkeys(["trial", "score", *points.axis_columns, *_SPREAD_COLUMNS]))
    shown = order[[name for name in columns if name in order]]

    def told(place: int) -> Tied:
        row = shown.iloc[int(tied[place])].to_dict()
        return Tied(
            rank=int(tied[place]) + 1,
            trial=str(row["trial"]),
            score=float(row["score"]),
            interval=error.interval(int(tied[place]), row),
            settings=points.settings_texts(row),
            chance=None if chances is None or place >= len(chances) else float(chances[place]),
            costs=tuple((name, float(own[place])) for name, own in costs.items() if not math.isnan(own[place])),
        )

    listed = tuple(told(place) for place in range(min(len(tied), MOST_LISTED)))
    cheapest = tuple(
        (name, told(_cheapest([own])))
        for name, own in deciding.items()
        if not np.isnan(own).all() and np.nanmin(own) < np.nanmax(own)
    )
    take = told(int(near[_cheapest([own[near] for own in deciding.values()])])) if cheapest else listed[0]
    other = take.rank - 1 or next(iter(tied[scores[tied] != scores[0]].tolist()), 0)
    return Ties(
        judge=error.judge,
        heading=data.objective.heading,
        images=error.images,
        repeats=error.repeats,
        of=len(order),
        count=len(tied),
        last=int(tied[-1]) + 1,
        lowest=float(scores[tied].min() if data.objective.highest else scores[tied].max()),
        tied=listed,
        cheapest=cheapest,
        take=take,
        separation=error.separation(scores, other) if other else None,
        trials=tuple(order["trial"].iloc[tied]),
        paired=error.paired_with(tied),
    )


def tied_text(data: JobData) -> str:
    """Return in a sentence which ranks are tied for the first place, as `Ties.text` does, at a fraction of its cost."""
    order = _winning(grouped(data) if data.job.record.has_groups else data)
    if order.empty:
        return ""
    scores = order["score"].to_numpy(np.float64)
    tied = np.flatnonzero(score_error(data, order).tied(scores))
    return _text(len(tied), int(tied[-1]) + 1, equal=bool((scores[tied] == scores[0]).all()))


def _text(count: int, last: int, *, equal: bool) -> str:
    if count < 2:
        return ""
    if equal:
        return f"1-{last:,} have the same score."
    others = f", but for {last - count:,} between them" if count < last else ""
    return f"1-{last:,} are tied{others}: how they differ may be chance."


def _winning(points: JobData) -> pd.DataFrame:
    told = ["trial", "state", "score", OVER, *points.axis_columns, *_SPREAD_COLUMNS, *COSTS]
    order = points.trials[[name for name in dict.fromkeys(told) if name in points.trials]].loc[ranking_order(points)]
    winning: pd.DataFrame = order[may_win(order) & np.isfinite(order["score"])]
    return winning


def _cost(name: str, rows: pd.DataFrame) -> Numbers:
    if name not in rows:
        return np.full(len(rows), np.nan)
    return np.asarray(rows[name].astype("Float64").to_numpy(np.float64, na_value=np.nan), np.float64)


def _alike(seconds: Numbers) -> Numbers:
    """Return times, of which all that are close to the shortest are that one."""
    known = seconds[~np.isnan(seconds)]
    if not len(known):
        return seconds
    near = seconds <= max(_AS_QUICK * known.min(), known.min() + _AS_QUICK_SECONDS)
    return np.where(near, known.min(), seconds)


def _cheapest(costs: list[Numbers]) -> int:
    """Return the place of the cheapest by the first cost, of equal ones by the next, then the better ranked."""
    keys = [np.where(np.isnan(own), np.inf, own) for own in costs]
    return int(np.lexsort([np.arange(len(keys[0])), *reversed(keys)])[0])
