"""Two models on the very same images: which each has right, and whether their difference may be chance.

Images that both have right, or both wrong, say nothing of the difference: the exact test of McNemar (1947) asks whether
those that one alone has right may be a toss of a coin for each.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gridsearch.analysis.intervals import CONFIDENCE, share_interval
from gridsearch.config.identity import parse
from gridsearch.store.rows import EvaluationRow


@dataclass(frozen=True, slots=True)
class Paired:
    """Two models on the same images.

    Attributes:
        images: How many images there are.
        first: How many only the first has right.
        second: How many only the second has right.
        both: How many both have right.
    """

    images: int
    first: int
    second: int
    both: int

    @property
    def difference(self) -> float:
        """The accuracy of the first less that of the second."""
        return (self.first - self.second) / self.images

    @property
    def p_value(self) -> float:
        """How probable so large a difference is, to one side or the other, between models that are equally good."""
        return mcnemar(self.first, self.second)

    @property
    def tied(self) -> bool:
        """Whether they cannot be told apart at the level that intervals have."""
        return self.p_value > 1 - CONFIDENCE

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, for other images of the kind (Newcombe, 1998, method 10).

        It joins the Wilson intervals of both accuracies, as far as the answers go together. It may hold 0 where the
        test tells the two apart, or leave it out where that does not, if the case is close. See
        https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C
        """
        count, own, other = self.images, self.both + self.first, self.both + self.second
        share, beside = own / count, other / count
        (low, high), (least, most) = share_interval(share, count), share_interval(beside, count)
        together = self._together(own, other)

        def reach(one: float, two: float) -> float:
            return math.sqrt(max(0.0, one**2 - 2 * together * one * two + two**2))

        return (
            max(-1.0, self.difference - reach(share - low, most - beside)),
            min(1.0, self.difference + reach(beside - least, high - share)),
        )

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """The difference, the two ends of its interval, and the p-value."""
        return (self.difference, *self.interval, self.p_value)

    def _together(self, own: int, other: int) -> float:
        """Return how far the answers go together, from -1 to 1, positive values corrected for continuity."""
        count = self.images
        spread = own * (count - own) * other * (count - other)
        if not spread:
            return 0.0
        neither = count - self.both - self.first - self.second
        excess = self.both * neither - self.first * self.second
        return (excess if excess < 0 else max(0.0, excess - count / 2)) / math.sqrt(spread)


def paired(first: bytes, second: bytes, images: int) -> Paired:
    """Hold two models against each other.

    Args:
        first: Which of the images the first has right, a bit for each, as `numpy.packbits` makes them.
        second: The same of the second, of the same images in the same order.
        images: How many there are.
    """
    one, two = int.from_bytes(first), int.from_bytes(second)
    both = (one & two).bit_count()
    return Paired(images, one.bit_count() - both, two.bit_count() - both, both)


def paired_on_test(evaluations: Sequence[tuple[str, EvaluationRow]]) -> list[Paired | None]:
    """Hold each of some evaluations, with the trials' configurations, against the first of them.

    Returns:
        None for the first, and where the test images are others, or it is not known which of them were right.
    """
    if not evaluations:
        return []
    (config, best), *others = evaluations
    found: list[Paired | None] = [None]
    for own, other in others:
        known = best.correct and other.correct and best.images == other.images
        same = known and _test_images(config) == _test_images(own)
        found.append(paired(best.correct, other.correct, best.images) if same else None)
    return found


@lru_cache(maxsize=1024)
def _test_images(config: str) -> Hashable:
    """Return what decides which images a trial is tested on, given its configuration as stored."""
    parsed = parse(config)
    return parsed.test_key, parsed.split.model_dump_json()


@lru_cache(maxsize=65536)
def mcnemar(first: int, second: int) -> float:
    """Return the exact p-value, to both sides, of so many images that only the first, and only the second has right.

    As `scipy.stats.binomtest(first, first + second)` and the exact `mcnemar` of statsmodels.
    """
    count, few = first + second, min(first, second)
    if first == second:
        return 1.0
    # The probability of just `few`, and with it those of fewer, each a share of the one before.
    log = math.lgamma(count + 1) - math.lgamma(few + 1) - math.lgamma(count - few + 1) - count * math.log(2)
    total = share = 1.0
    for heads in range(few, 0, -1):
        share *= heads / (count - heads + 1)
        total += share
        if share < 1e-17:
            break
    return min(1.0, 2 * math.exp(log) * total)


def behind_text(found: Paired) -> str:
    """Return a difference and its interval in words.

    >>> behind_text(Paired(images=180, first=5, second=2, both=165))
    '0.0167 (-0.0171 to 0.0536)'
    """
    low, high = found.interval
    return f"{found.difference:.4f} ({low:.4f} to {high:.4f})"


def p_text(p: float) -> str:
    """Return a p-value in words.

    >>> p_text(0.453125), p_text(3.1e-9)
    ('0.4531', '< 0.0001')
    """
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"
