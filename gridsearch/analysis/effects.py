"""What each axis does to the score: the mean and the best of each value, the variance explained, the shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsearch.analysis.choices import Within
from gridsearch.analysis.correlation import FEWEST
from gridsearch.analysis.factors import Design, Factor, Numbers, design
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.intervals import mean_half_width
from gridsearch.analysis.variance import Variance, variance

#: An axis that explains less than this, alone or with any others, has no effect to speak of.
NO_EFFECT = 0.01
#: Scores at least so skewed have a mean and a variance that a few of them make.
SKEWED = 1.0
#: So many trials have scores that do not differ from guessing: the others decide what is worth having.
_MANY_AT_CHANCE = 1 / 3


@dataclass(frozen=True, slots=True)
class ValueEffect:
    """A value of an axis, over all that the other axes hold.

    Attributes:
        text: The value, a long number rounded; or a range of values.
        key: The value in full; empty for a range.
        n: How many trials with a score have it.
        mean: The mean of their scores: the marginal mean.
        deviation: Their standard deviation (ddof 1); None for one trial.
        median: Their median.
        best: The best of them within the constraints, of points with several trials the best mean; None where none is.
        best_trial: The trial that has it; of a point its first.
        interval: Half the width of the 95 % interval of how far the mean lies from that of all trials, from one repeat
            to the next; None where points are trained once.
    """

    text: str
    key: str
    n: int
    mean: float
    deviation: float | None
    median: float
    best: float | None
    best_trial: str
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class AxisEffect:
    """What an axis does to the score.

    Attributes:
        name: The axis.
        values: Its values, ascending.
        share: What it explains of the variance alone; None where that cannot be told.
        total: What it explains alone and together with others.
        eta_squared: The share of the variance between its values, whatever else these differ in; of a whole grid it
            is `share`.
        pearson: The correlation of its values with the score; None for names.
        spearman: The same of their ranks.
        shape: How the mean goes along the values (`shape_of`); empty for names.
        ranges: Whether its values are ranges: it has very many.
    """

    name: str
    values: tuple[ValueEffect, ...]
    share: float | None
    total: float | None
    eta_squared: float
    pearson: float | None
    spearman: float | None
    shape: str
    ranges: bool

    @property
    def hidden(self) -> bool:
        """Whether a correlation near 0 hides what the axis does: it explains far more than a line would."""
        if self.pearson is None or self.spearman is None:
            return False
        line = max(self.pearson**2, self.spearman**2)
        return self.eta_squared >= 0.05 and self.eta_squared > 2 * line


@dataclass(frozen=True, slots=True)
class PairEffect:
    """What the combination of two axes explains of the variance, beyond each alone."""

    axes: tuple[str, str]
    share: float


@dataclass(frozen=True, slots=True)
class Effects:
    """What matters in a job.

    Attributes:
        heading: What the score is.
        highest: Whether a higher score is better.
        within: Which of the trials with a score were looked at.
        n: How many these are.
        of: How many have a score.
        mean: The mean of their scores; None without any.
        axes: The axes, the one that explains most first.
        pairs: The pairs, the one that explains most first; empty where that cannot be told.
        rest: What three or more axes explain together, or a fitted model does not explain; None where no axis tells.
        repeats: What repeats and folds of one point differ by.
        exact: Whether the grid is whole, so that the shares are exact and add up to 1.
        fitted: The share of the variance that a fitted model explains, where the grid is not whole.
        empty: How many of the job's points have no score.
        unscored: By axis, the values that trials have, but none with a score.
        nested: The axes that are no setting of some trials (momentum under Adam): they explain what differs among the
            others.
        constant: The axes with one value.
        skewness: The skewness of the scores; None of fewer than three.
        at_chance: How many trials do not differ from guessing; None where that is not known.
        seed: The seed that all trials share, so that these are the effects on one draw of weights; None where they
            have several, or are no trainings of ours.
    """

    heading: str
    highest: bool
    within: Within
    n: int
    of: int
    mean: float | None
    axes: tuple[AxisEffect, ...]
    pairs: tuple[PairEffect, ...]
    rest: float | None
    repeats: float | None
    exact: bool
    fitted: float | None
    empty: int
    unscored: Mapping[str, tuple[str, ...]]
    nested: tuple[str, ...]
    constant: tuple[str, ...]
    skewness: float | None
    at_chance: int | None
    seed: int | None

    @property
    def skewed(self) -> bool:
        """Whether few trials make the mean and the variance, so that the better half tells more."""
        if self.at_chance == self.n:
            return False
        many = self.at_chance is not None and self.at_chance >= _MANY_AT_CHANCE * self.n
        return self.within == "all" and self.n >= 8 and (many or abs(self.skewness or 0.0) >= SKEWED)

    def frame(self) -> pd.DataFrame:
        """Return one row per axis: shares of the variance, correlations and shape, and the best value."""
        rows = [
            {
                "axis": axis.name,
                "share": axis.share,
                "total": axis.total,
                "eta_squared": axis.eta_squared,
                "pearson": axis.pearson,
                "spearman": axis.spearman,
                "shape": axis.shape,
            }
            for axis in self.axes
        ]
        names = ["axis", "share", "total", "eta_squared", "pearson", "spearman", "shape"]
        frame = pd.DataFrame(rows, columns=names)
        return frame.astype(dict.fromkeys(names[1:-1], "float64"))

    def values_frame(self) -> pd.DataFrame:
        """Return one row per value of each axis: the trials, mean, deviation, median, and the best with its trial."""
        names = ["axis", "value", "n", "mean", "deviation", "median", "best", "best_trial", "interval"]
        rows = [
            (
                axis.name,
                one.key or one.text,
                one.n,
                one.mean,
                one.deviation,
                one.median,
                one.best,
                one.best_trial,
                one.interval,
            )
            for axis in self.axes
            for one in axis.values
        ]
        return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(["deviation", "best", "interval"], "float64"))


def effects(data: JobData, within: str = "all") -> Effects:
    """Return what each axis and each pair of axes does to the score.

    Args:
        data: The job.
        within: All trials with a score, or the better `half` or `quarter` of them.

    Raises:
        TableError: `within` is none of these.
    """
    return effects_of(data, design(data, within))


def effects_of(data: JobData, runs: Design) -> Effects:
    """Return the same of trials that were read as an experiment already."""
    shares = variance(runs)
    repeats = _repeats(data, runs)
    axes = sorted(
        (_axis(runs, factor, shares, repeats) for factor in runs.factors),
        key=lambda axis: -(axis.share if axis.share is not None else axis.eta_squared),
    )
    pairs = sorted(shares.pairs.items(), key=lambda pair: -pair[1]) if shares else []
    ours = not data.job.record.training and "seed" in data.trials
    seeds = data.trials["seed"].dropna().unique().tolist() if ours else []
    return Effects(
        heading=runs.heading,
        highest=runs.highest,
        within=runs.within,
        n=len(runs.scores),
        of=runs.of,
        mean=float(runs.scores.mean()) if len(runs.scores) else None,
        axes=tuple(axes),
        pairs=tuple(PairEffect(names, share) for names, share in pairs),
        rest=shares.rest if shares and shares.axes else None,
        repeats=shares.within if shares and data.job.record.has_groups else None,
        exact=runs.complete,
        fitted=shares.fitted if shares else None,
        empty=runs.empty,
        unscored=runs.unscored,
        nested=tuple(factor.name for factor in runs.factors if factor.nested),
        constant=runs.constant,
        skewness=_skewness(runs.scores),
        at_chance=_at_chance(data, runs.scores),
        seed=int(seeds[0]) if len(seeds) == 1 else None,
    )


def _axis(runs: Design, factor: Factor, shares: Variance | None, repeats: _Repeats | None) -> AxisEffect:
    values = tuple(_value(runs, factor, code, repeats) for code in range(len(factor.levels)))
    return AxisEffect(
        name=factor.name,
        values=values,
        share=shares.axes.get(factor.name) if shares else None,
        total=shares.totals.get(factor.name) if shares else None,
        eta_squared=_eta_squared(runs.scores, factor),
        pearson=_correlation(factor.numbers, runs.scores),
        spearman=None if factor.numbers is None else _correlation(_ranks(factor.numbers), _ranks(runs.scores)),
        shape="" if factor.numbers is None else shape_of([value.mean for value in values]),
        ranges=factor.ranges,
    )


def _value(runs: Design, factor: Factor, code: int, repeats: _Repeats | None) -> ValueEffect:
    own = np.flatnonzero(factor.codes == code)
    scores = runs.scores[own]
    best, score = _best(runs, own[runs.wins[own]])
    return ValueEffect(
        text=factor.levels[code],
        key=factor.keys[code],
        n=len(own),
        mean=float(scores.mean()),
        deviation=float(scores.std(ddof=1)) if len(own) > 1 else None,
        median=float(np.median(scores)),
        best=score,
        best_trial="" if best is None else runs.trials[best],
        interval=None if repeats is None else _interval(runs.scores, own, repeats),
    )


def _best(runs: Design, winning: npt.NDArray[np.intp]) -> tuple[int | None, float | None]:
    """Return which of some trials is the best, or the first of the best point, and its score, or that point's mean."""
    if not len(winning):
        return None, None
    _, firsts, points = np.unique(runs.points[winning], return_index=True, return_inverse=True)
    means = np.bincount(points, runs.scores[winning]) / np.bincount(points)
    # Of equal ones the first in the order of the grid.
    order = np.argsort(firsts)
    place = order[means[order].argmax() if runs.highest else means[order].argmin()]
    return int(winning[firsts[place]]), float(means[place])


def _interval(scores: Numbers, own: npt.NDArray[np.intp], repeats: _Repeats) -> float | None:
    """Return the interval of a value's effect: in each repeat its mean less that of all, which repeats draw anew."""
    places = repeats.places
    number = int(places.max()) + 1
    counts = np.bincount(places[own], minlength=number)
    if number < 2 or counts.min() == 0:
        return None
    means = np.bincount(places[own], scores[own], minlength=number) / counts
    all_means = np.bincount(places, scores, minlength=number) / np.bincount(places, minlength=number)
    return mean_half_width(float((means - all_means).std(ddof=1)), number, repeats.extra)


def shape_of(means: list[float]) -> str:
    """Return how the means of ascending values go: `rises`, `falls`, `peaks`, `dips`, `stays`, or else `varies`."""
    steps = [right - left for left, right in pairwise(means)]
    signs = [1 if step > 0 else -1 for step in steps if step]
    turns = [place for place, (one, other) in enumerate(pairwise(signs)) if one != other]
    if not signs:
        return "stays"
    if not turns:
        return "rises" if signs[0] > 0 else "falls"
    return ("peaks" if signs[0] > 0 else "dips") if len(turns) == 1 else "varies"


def _eta_squared(scores: Numbers, factor: Factor) -> float:
    centred = scores - scores.mean()
    total = float(centred @ centred)
    counts = np.bincount(factor.codes)
    between = float((np.bincount(factor.codes, centred) ** 2 / counts).sum())
    return min(1.0, between / total) if total else 0.0


def _correlation(values: Numbers | None, scores: Numbers) -> float | None:
    if values is None or len(values) < FEWEST:
        return None
    one, other = values - values.mean(), scores - scores.mean()
    size = float(np.sqrt(one @ one) * np.sqrt(other @ other))
    return max(-1.0, min(1.0, float(one @ other) / size)) if size else None


def _ranks(values: Numbers) -> Numbers:
    return np.asarray(pd.Series(values).rank(), np.float64)


def _skewness(scores: Numbers) -> float | None:
    """Return the skewness, as `scipy.stats.skew`: the third moment about the mean by that of the deviation."""
    if len(scores) < 3:
        return None
    centred = scores - scores.mean()
    # The powers of very small and of very large numbers are none any more.
    largest = float(np.abs(centred).max())
    if not largest:
        return None
    centred = centred / largest
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def chance_level(data: JobData) -> tuple[float, float] | None:
    """Return the accuracy of guessing, and up to where an accuracy does not differ from it; None where none is known.

    Guessing is to name one class always: of classes of one size, 1 / K. The number of validation images tells how far
    it may come by chance (two standard errors); of several data sets that of the smallest.
    """
    record = data.job.record
    known = [one.images for one in record.datasets] or [record.images]
    images = min(one.get("validation") or one.get("test") or 0 for one in known)
    if not (data.objective.metric.endswith("accuracy") and record.classes and images):
        return None
    guess = 1 / record.classes
    return guess, guess + 2 * (guess * (1 - guess) / images) ** 0.5


def _at_chance(data: JobData, scores: Numbers) -> int | None:
    level = chance_level(data)
    return None if level is None else int((scores <= level[1]).sum())


@dataclass(frozen=True, eq=False)
class _Repeats:
    """Which repeat or fold each trial is, (N,), and what folds add to the variance of a mean (`mean_half_width`)."""

    places: npt.NDArray[np.intp]
    extra: float


def _repeats(data: JobData, runs: Design) -> _Repeats | None:
    """Return the repeats and folds, those of equal seeds and fold the same one; None where points are trained once."""
    record = data.job.record
    if not record.has_groups:
        return None
    own = data.trials.set_index("trial").loc[
        list(runs.trials), [name for name in record.differing if name in data.trials]
    ]
    if own.empty or not len(own.columns):
        return None
    places = pd.factorize(pd.MultiIndex.from_frame(own))[0].astype(np.intp)
    return _Repeats(places, 1 / (record.folds - 1) if record.folds else 0.0)
