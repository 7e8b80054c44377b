"""How far scores may lie from what they would be on other images, or from other draws of weights and batches.

Of shares of images measured once, two are held against each other as two samples of so many images (the pooled test of
two proportions). Trials look at the same images, and which of them each has right is not kept, so that this is the
careful test: a paired one (McNemar) would find more differences, never fewer. Of points that are trained several times
the repeats decide, paired, as each repeat is the same draw for all points: a randomised block design, in which what is
left after points and repeats is the error. Folds share most of their training images, which Nadeau and Bengio's
correction (2003) allows for. Of other scores that were measured once no error is known: only equal ones are tied.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri, stdtrit

from gridsearch.analysis.factors import Numbers
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.intervals import CONFIDENCE, Z, mean_half_width, share_interval
from gridsearch.config.identity import point_of
from gridsearch.config.metrics import is_proportion, of_training

#: What decides: the number of images, the spread of repeats or folds, or nothing that is known.
Judge = Literal["images", "repeats", "equality"]
#: How many of the best are drawn again, how often, and from which numbers.
_MOST_DRAWN, _DRAWS, _SEED = 1000, 2000, 0
#: A difference that is there shall be found in 80 of 100 cases.
_POWER = float(ndtri(0.8))
#: The spread of repeats is that of the better ones of all points: at chance, or diverging, they spread otherwise.
_POOLED_SHARE, _POOLED_LEAST = 0.25, 10


@dataclass(frozen=True, slots=True)
class Separation:
    """What would tell the best from the cheapest that is tied with it, in 80 of 100 cases, at the 5 % level.

    Attributes:
        difference: Their difference in the score.
        images: So many images to measure it on; None where images do not decide.
        repeats: So many repeats of each point; None where their spread is not known.
    """

    difference: float
    images: int | None
    repeats: int | None


@dataclass(frozen=True, eq=False)
class ScoreError:
    """What is known of the error of scores; this one, that nothing is."""

    judge: Judge = "equality"
    images: int | None = None
    repeats: int = 1

    def tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which of the scores, best first, cannot be told from the first."""
        return np.asarray(scores == scores[0])

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return how probable it is of the first of those tied that each is the best; None where nothing tells."""
        return None

    def interval(self, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of a score."""
        return None

    def separation(self, best: float, other: float) -> Separation | None:
        """Return what would tell two scores apart; None where they are equal or nothing is known."""
        return None


@dataclass(frozen=True, eq=False)
class ImageError(ScoreError):
    """Scores that are shares of `images`."""

    def tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are no further from the first than two samples of so many images may be."""
        assert self.images
        middle = (scores + scores[0]) / 2
        error = np.sqrt(2 * middle * (1 - middle) / self.images)
        return np.asarray(np.abs(scores - scores[0]) <= Z * error)

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return in which share of draws of so many images each is the best."""
        assert self.images
        own = np.clip(scores[tied[:_MOST_DRAWN]], 0.0, 1.0)
        draws = np.random.default_rng(_SEED).binomial(self.images, own, (_DRAWS, len(own)))
        return _wins(draws if highest else -draws)

    def interval(self, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of a share (Wilson)."""
        assert self.images
        return share_interval(row["score"], self.images)

    def separation(self, best: float, other: float) -> Separation | None:
        """Return how many images would tell two shares apart."""
        if (difference := abs(best - other)) == 0:
            return None
        spread = best * (1 - best) + other * (1 - other)
        return Separation(difference, math.ceil((Z + _POWER) ** 2 * spread / difference**2), None)


@dataclass(frozen=True, eq=False)
class RepeatError(ScoreError):
    """Scores that are means over repeats and folds.

    Attributes:
        table: (P, R) the score of each point, best first, in each repeat; NaN where it has none.
        deviation: What is left of their spread after points and repeats.
        freedom: Its degrees of freedom.
        extra: What folds add to the variance of a mean.

    """

    table: Numbers = field(default_factory=lambda: np.empty((0, 0)))
    deviation: float = 0.0
    freedom: int = 1
    extra: float = 0.0

    def tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are no further from the first than repeats of equal points may be."""
        counts = np.maximum(1, (~np.isnan(self.table)).sum(axis=1))
        error = self.deviation * np.sqrt(1 / counts + 1 / counts[0] + 2 * self.extra)
        limit = float(stdtrit(self.freedom, 0.5 + CONFIDENCE / 2))
        return np.asarray(np.abs(scores - scores[0]) <= limit * error)

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return in which share of draws of the repeats, with repetition, each has the best mean."""
        own = self.table[tied[:_MOST_DRAWN]]
        drawn = np.random.default_rng(_SEED).integers(own.shape[1], size=(_DRAWS, own.shape[1]))
        known = ~np.isnan(own)
        weights = np.apply_along_axis(np.bincount, 1, drawn, minlength=own.shape[1]).astype(np.float64)
        counts = weights @ known.T
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (weights @ np.where(known, own, 0.0).T) / counts
        means = np.where(counts > 0, means if highest else -means, -np.inf)
        return _wins(means)

    def interval(self, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of a point's mean (Student's t)."""
        if math.isnan(row["score_std"]):
            return None
        half = mean_half_width(row["score_std"], int(row["score_n"]), self.extra)
        return row["score"] - half, row["score"] + half

    def separation(self, best: float, other: float) -> Separation | None:
        """Return how many repeats would tell two points apart; of folds there are no more."""
        difference = abs(best - other)
        if difference == 0 or self.deviation == 0 or self.extra:
            return Separation(difference, None, None) if difference else None
        return Separation(difference, None, math.ceil(2 * ((Z + _POWER) * self.deviation / difference) ** 2))


def _wins(draws: npt.NDArray[np.generic]) -> Numbers:
    """Return in which share of the draws (D, P) each is the highest; those that are level share it."""
    highest = draws == draws.max(axis=1, keepdims=True)
    return np.asarray((highest / highest.sum(axis=1, keepdims=True)).mean(axis=0))


def score_error(data: JobData, order: pd.DataFrame) -> ScoreError:
    """Return what is known of the error of a job's scores, given in order the trials or points that may be the best."""
    record, metric = data.job.record, data.objective.metric
    images = record.images.get("train" if of_training(metric) else "validation")
    of = record.repeats * (record.folds or 1)
    if record.has_groups and (found := _of_repeats(data, order)) is not None:
        return replace(found, images=images, repeats=of)
    if images and is_proportion(metric) and not record.training:
        return ImageError("images", images, of)
    return ScoreError(images=images, repeats=of)


def _of_repeats(data: JobData, order: pd.DataFrame) -> RepeatError | None:
    """Return the error by repeats and folds; None where no two points have scores in two of them."""
    record = data.job.record
    names = [name for name in record.differing if name in data.trials]
    point_of_trial = [point_of(row.config, record.repeated_seeds) for row in data.rows]
    long = pd.DataFrame(
        {
            "point": point_of_trial,
            "repeat": pd.factorize(pd.MultiIndex.from_frame(data.trials[names]))[0] if names else 0,
            "score": data.trials["score"].to_numpy(),
        }
    )
    wide = long.pivot_table(index="point", columns="repeat", values="score", aggfunc="first")
    firsts = [point_of_trial[data.place_of[trial]] for trial in order["trial"]]
    table = wide.reindex(firsts).to_numpy(np.float64)
    # Where points were trained other numbers of times, only those that all have are comparable.
    whole = table[~np.isnan(table).any(axis=1)]
    whole = whole[: max(_POOLED_LEAST, math.ceil(_POOLED_SHARE * len(whole)))]
    count, repeats = whole.shape
    if count < 2 or repeats < 2:
        return None
    left = whole - whole.mean(axis=1, keepdims=True) - whole.mean(axis=0) + whole.mean()
    freedom = (count - 1) * (repeats - 1)
    deviation = math.sqrt(float((left**2).sum()) / freedom)
    extra = 1 / (record.folds - 1) if record.folds else 0.0
    return RepeatError("repeats", None, 1, table, deviation, freedom, extra)
