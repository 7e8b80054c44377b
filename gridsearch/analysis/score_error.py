"""How far scores may lie from what they would be on other images, or from other draws of weights and batches.

Of shares of images measured once, two are held against each other image by image, where it is known which of the same
images each has right (the exact test of McNemar, `paired`). Where that is not known, as of stores of older versions,
they are held against each other as two samples of so many images (the pooled test of two proportions): as a rule that
finds fewer differences. Of points that are trained several times
the repeats decide, paired, as each repeat is the same draw for all points: a randomised block design, in which what is
left after points and repeats is the error. Folds share most of their training images, which Nadeau and Bengio's
correction (2003) allows for. Of other scores that were measured once no error is known: only equal ones are tied.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsearch.analysis.answers import tells_score, validation_images
from gridsearch.analysis.factors import Numbers
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.intervals import CONFIDENCE, Z, mean_half_width, share_interval, t_limit
from gridsearch.analysis.paired import Paired, mcnemar, paired
from gridsearch.config.identity import point_of
from gridsearch.config.metrics import is_proportion, of_training

#: What decides: the number of images, the spread of repeats or folds, or nothing that is known.
Judge = Literal["images", "repeats", "equality"]
#: How many of the best are drawn again, how often, and from which numbers.
_MOST_DRAWN, _DRAWS, _SEED = 1000, 2000, 0
#: Where the very same images are drawn for all: so many in all, which takes half a second, but as often as this.
_MOST_IMAGES, _FEWEST_DRAWS = 8_000_000, 400
#: A difference that is there shall be found in 80 of 100 cases.
_POWER = NormalDist().inv_cdf(0.8)
#: A smaller difference takes more images or repeats than anybody can count.
_SMALLEST = 1e-9
#: The spread of repeats is that of the best of all points, as at chance, or near to diverging, they spread otherwise:
#: of so large a share of them, or of as many as give so many degrees of freedom.
_POOLED_SHARE, _FREEDOM = 0.25, 5


@dataclass(frozen=True, slots=True)
class Separation:
    """What would tell the best from another that is tied with it, in 80 of 100 cases, at the 5 % level.

    Attributes:
        rank: The other's rank.
        difference: Their difference in the score.
        images: So many images to measure it on; None where images do not decide.
        repeats: So many repeats of each point; None where their spread is not known.
    """

    rank: int
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

    def near(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are within one standard error of the difference from the first: as good, as far as one can tell.

        Of two that cannot be told apart one may still be far behind: the one-standard-error rule (Breiman et al., 1984)
        chooses the cheapest among these.
        """
        return np.asarray(scores == scores[0])

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return how probable it is of the first of those tied that each is the best; None where nothing tells."""
        return None

    def interval(self, place: int, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of the score in a place of the ranking, from 0, given the row."""
        return None

    def separation(self, scores: Numbers, place: int) -> Separation | None:
        """Return what would tell the score in a place from the first; None where they are equal or nothing is known."""
        return None

    def paired_with(self, tied: npt.NDArray[np.intp]) -> int:
        """Return how many of those tied were held against the first image by image."""
        return 0


@dataclass(frozen=True, eq=False)
class ImageError(ScoreError):
    """Scores that are shares of images: `counts` (P,) says of how many each; `images` where it is one number.

    `answers` has, by their places, what images the first has right and all that may be tied with it, as far as these
    are the same images and it is known; nothing where it is not known of the first.
    """

    counts: Numbers = field(default_factory=lambda: np.empty(0))
    answers: Mapping[int, bytes] = field(default_factory=dict)

    def tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which cannot be told from the first: image by image, or as two samples of so many images."""
        found = self._close(scores)
        for place in self.answers:
            found[place] = self._paired(place).tied
        return found

    def paired_with(self, tied: npt.NDArray[np.intp]) -> int:
        """Return how many of those tied were held against the first image by image."""
        return sum(place in self.answers for place in tied.tolist() if place)

    def may_be_tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which may be tied with the first, whatever images each has right.

        The more images one alone has right, the less a difference tells: at most all mistakes are of other images.
        """
        count = int(self.counts[0])
        right = np.rint(scores * count).astype(np.int64)
        most = np.minimum(right + right[0], 2 * count - right - right[0])
        gap = np.abs(right - right[0])
        # Both in one number: pairs take ten times as long to sort.
        values, codes = np.unique(gap * (2 * count + 1) + most, return_inverse=True)
        pairs = (divmod(value, 2 * count + 1) for value in values.tolist())
        tied = [mcnemar((alone + far) // 2, (alone - far) // 2) > 1 - CONFIDENCE for far, alone in pairs]
        return np.asarray(np.array(tied)[codes] | self._close(scores))

    def near(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are within one standard error of the first: image by image, or as two samples."""
        found = self._close(scores, 1.0)
        for place in self.answers:
            pair = self._paired(place)
            gap, apart = pair.first - pair.second, pair.first + pair.second
            found[place] = gap**2 <= apart - gap**2 / pair.images
        return found

    def _paired(self, place: int) -> Paired:
        return paired(self.answers[0], self.answers[place], int(self.counts[0]))

    def _close(self, scores: Numbers, errors: float = Z) -> npt.NDArray[np.bool_]:
        """Return which are no further from the first than so many standard errors of two samples of so many images."""
        own, first = self.counts, self.counts[0]
        middle = (own * scores + first * scores[0]) / (own + first)
        error = np.sqrt(middle * (1 - middle) * (1 / own + 1 / first))
        return np.asarray(np.abs(scores - scores[0]) <= errors * error)

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return in which share of draws of so many images each is the best.

        Of those of which it is known what images they have right, the very same images are drawn.
        """
        first = tied[:_MOST_DRAWN]
        own, counts = np.clip(scores[first], 0.0, 1.0), self.counts[first].astype(np.int64)
        random = np.random.default_rng(_SEED)
        known = [place for place, rank in enumerate(first.tolist()) if rank in self.answers]
        times = min(_DRAWS, max(_FEWEST_DRAWS, _MOST_IMAGES // int(self.counts[0]))) if len(known) > 1 else _DRAWS
        draws = random.binomial(counts, own, (times, len(own))) / counts
        if len(known) > 1:
            draws[:, known] = self._joint_draws(random, first[known].tolist(), times) / int(self.counts[0])
        return _wins(draws if highest else -draws)

    def _joint_draws(self, random: np.random.Generator, places: Sequence[int], draws: int) -> Numbers:
        """Return how many images each has right (D, P) of as many that are drawn with replacement."""
        count = int(self.counts[0])
        packed = np.stack([np.frombuffer(self.answers[place], np.uint8) for place in places])
        answers = np.unpackbits(packed, axis=1, count=count)
        # Images that all have right, or all have wrong, tell nobody from anybody.
        telling = answers[:, (answers != answers[0]).any(axis=0)].astype(np.float32)
        width, shared = telling.shape[1], int(answers.all(axis=0).sum())
        shares = [1 / count] * width + [shared / count, (count - width - shared) / count]
        times = random.multinomial(count, shares, draws)
        return np.asarray(times[:, :width].astype(np.float32) @ telling.T + times[:, width : width + 1], np.float64)

    def interval(self, place: int, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of a share (Wilson)."""
        return share_interval(row["score"], int(self.counts[place]))

    def separation(self, scores: Numbers, place: int) -> Separation | None:
        """Return how many images would tell two shares apart; None where trials look at unlike numbers of them.

        What is known to vary together is no error of the difference.
        """
        best, other = float(scores[0]), float(scores[place])
        if (difference := abs(best - other)) < _SMALLEST or self.images is None:
            return None
        spread = best * (1 - best) + other * (1 - other)
        if place in self.answers:
            pair = self._paired(place)
            spread = (pair.first + pair.second) / pair.images - difference**2
        return Separation(place + 1, difference, math.ceil((Z + _POWER) ** 2 * spread / difference**2), None)


@dataclass(frozen=True, eq=False)
class RepeatError(ScoreError):
    """Scores that are means over repeats and folds.

    Attributes:
        table: (P, R) the score of each point, best first, in each repeat; NaN where it has none.
        deviation: What is left of their spread after points and repeats.
        freedom: Its degrees of freedom.
        within: How the repeats of one point spread, whatever repeats have in common.
        within_freedom: Its degrees of freedom.
        extra: What folds add to the variance of a mean.
        most: What no score exceeds: 1 of a share, else infinite.
    """

    table: Numbers = field(default_factory=lambda: np.empty((0, 0)))
    deviation: float = 0.0
    freedom: int = 1
    within: float = 0.0
    within_freedom: int = 1
    extra: float = 0.0
    most: float = math.inf

    @cached_property
    def _behind(self) -> tuple[Numbers, Numbers]:
        """How far each point lies from the first, and the error of that: over the repeats that both have.

        Where they have none in common, what repeats have in common is part of the error.
        """
        known = ~np.isnan(self.table)
        common = known & known[0]
        shared = common.sum(axis=1)
        gaps = np.where(common, self.table[0] - np.where(known, self.table, 0.0), 0.0).sum(axis=1)
        counts = np.maximum(1, known.sum(axis=1))
        with np.errstate(invalid="ignore"):
            means = np.where(known, self.table, 0.0).sum(axis=1) / counts
        paired = self.deviation * np.sqrt(2 / np.maximum(1, shared) + 2 * self.extra)
        unpaired = self.within * np.sqrt(1 / counts + 1 / counts[0] + 2 * self.extra)
        apart = np.where(shared > 0, gaps / np.maximum(1, shared), means[0] - means)
        return apart, np.where(shared > 0, paired, unpaired)

    def tied(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are no further behind the first than repeats of equal points may be."""
        apart, error = self._behind
        sign = 1.0 if len(scores) < 2 or scores[0] >= scores[-1] else -1.0
        limit = t_limit(self.freedom)
        return np.asarray(sign * apart <= limit * error + 1e-12 * np.abs(scores[0]))

    def near(self, scores: Numbers) -> npt.NDArray[np.bool_]:
        """Return which are within one standard error of the first."""
        apart, error = self._behind
        sign = 1.0 if len(scores) < 2 or scores[0] >= scores[-1] else -1.0
        return np.asarray(sign * apart <= error + 1e-12 * np.abs(scores[0]))

    def chances(self, scores: Numbers, tied: npt.NDArray[np.intp], *, highest: bool) -> Numbers | None:
        """Return in which share of draws of means with this error each has the best one."""
        first = tied[:_MOST_DRAWN]
        counts = np.maximum(1, (~np.isnan(self.table[first])).sum(axis=1))
        apart, _ = self._behind
        errors = self.deviation * np.sqrt(1 / counts + self.extra)
        draws = np.random.default_rng(_SEED).normal(-apart[first], errors, (_DRAWS, len(first)))
        return _wins(draws if highest else -draws)

    def interval(self, place: int, row: Mapping[Any, Any]) -> tuple[float, float] | None:
        """Return the interval of a point's mean (Student's t), by the spread of all points that are pooled.

        Of a share no further than from 0 to 1.
        """
        count = int(row["score_n"])
        half = mean_half_width(self.within, count, self.extra, self.within_freedom)
        low, high = row["score"] - half, row["score"] + half
        return (low, high) if self.most == math.inf else (max(0.0, low), min(self.most, high))

    def separation(self, scores: Numbers, place: int) -> Separation | None:
        """Return how many repeats would tell two points apart; of folds there are no more."""
        difference = abs(float(scores[0]) - float(scores[place]))
        if difference < _SMALLEST or self.deviation == 0 or self.extra:
            return Separation(place + 1, difference, None, None) if difference else None
        return Separation(place + 1, difference, None, math.ceil(2 * ((Z + _POWER) * self.deviation / difference) ** 2))


def _wins(draws: npt.NDArray[np.generic]) -> Numbers:
    """Return in which share of the draws (D, P) each is the highest; those that are level share it."""
    highest = draws == draws.max(axis=1, keepdims=True)
    return np.asarray((highest / highest.sum(axis=1, keepdims=True)).mean(axis=0))


def score_error(data: JobData, order: pd.DataFrame) -> ScoreError:
    """Return what is known of the error of a job's scores, given in order the trials or points that may be the best."""
    record, metric = data.job.record, data.objective.metric
    part = "train" if of_training(metric) else "validation"
    counts = _images(data, order, part)
    images = int(counts[0]) if len(counts) and counts[0] and (counts == counts[0]).all() else None
    of = record.repeats * (record.folds or 1)
    if record.has_groups and (found := _of_repeats(data, order)) is not None:
        return replace(found, images=images, repeats=of, most=1.0 if is_proportion(metric) else math.inf)
    if counts.all() and is_proportion(metric) and not record.training:
        return _with_answers(data, order, ImageError("images", images, of, counts))
    return ScoreError(images=images, repeats=of)


def _with_answers(data: JobData, order: pd.DataFrame, error: ImageError) -> ImageError:
    """Return the error with what images the first has right and those that may be tied with it, as far as is known."""
    if data.answers is None or data.objective.metric != "val_accuracy":
        return error
    scores = order["score"].to_numpy(np.float64)
    # Of very many trials those alone are looked up that may be tied.
    near = [0, *(place for place in np.flatnonzero(error.may_be_tied(scores)).tolist() if place)]
    trials = order["trial"].iloc[near].tolist()
    rows = {place: data.rows[data.place_of[trial]] for place, trial in zip(near, trials, strict=True)}
    known = dict(data.answers([rows[0]]))
    if not tells_score(known.get(rows[0].trial_id), scores[0], error.counts[0]):
        return error
    images = validation_images(rows[0].config)
    close = [
        place
        for place in near
        if error.counts[place] == error.counts[0] and validation_images(rows[place].config) == images
    ]
    known |= data.answers([rows[place] for place in close])
    found = {place: known.get(rows[place].trial_id) for place in close}
    answers = {
        place: correct
        for place, correct in found.items()
        if correct is not None and tells_score(correct, scores[place], error.counts[0])
    }
    return replace(error, answers=answers)


def _images(data: JobData, order: pd.DataFrame, part: str) -> Numbers:
    """Return how many images each of the trials was measured on, 0 where that is not known."""
    record = data.job.record
    if not record.datasets:
        return np.full(len(order), float(record.images.get(part, 0)))
    rows = (data.rows[data.place_of[trial]] for trial in order["trial"])
    return np.array([float(record.images_of(row.config).get(part, 0)) for row in rows])


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
    repeats = whole.shape[1]
    if len(whole) < 2 or repeats < 2:
        return None
    whole = whole[: max(2, 1 + math.ceil(_FREEDOM / (repeats - 1)), math.ceil(_POOLED_SHARE * len(whole)))]
    count = len(whole)
    left = whole - whole.mean(axis=1, keepdims=True) - whole.mean(axis=0) + whole.mean()
    freedom = (count - 1) * (repeats - 1)
    deviation = math.sqrt(float((left**2).sum()) / freedom)
    extra = 1 / (record.folds - 1) if record.folds else 0.0
    within = math.sqrt(float(((whole - whole.mean(axis=1, keepdims=True)) ** 2).sum()) / (count * (repeats - 1)))
    return RepeatError("repeats", None, 1, table, deviation, freedom, within, count * (repeats - 1), extra)
