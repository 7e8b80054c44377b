"""How much of the scores' variance each axis and each pair of axes explains.

On a whole grid the decomposition is exact: the sums of squares of a factorial experiment are orthogonal and add up
(Fisher, 1925; Hooker, 2007, for functional ANOVA). Where cells are missing a linear model of the axes and their pairs
is fitted by least squares, and what a term explains is what the fit loses without it, all terms that do not contain it
in the model: sums of squares of type II (Langsrud, 2003; as `statsmodels.stats.anova_lm(typ=2)`). On a whole grid both
are the same. A setting that some trials do not have (momentum under Adam) explains what differs among those that have
it; that these differ from the others is explained by what tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gridsearch.analysis.factors import Design, Factor, Numbers, cell_codes

#: A model of more terms than this is not fitted with pairs: it would take minutes.
_MOST_COLUMNS = 300
#: So many trials to a coefficient at least, or pairs could not be told from chance.
_TRIALS_TO_A_COEFFICIENT = 2
_AT_ONCE = 8192
#: Directions of the model that explain less than this share of the largest are rounding errors.
_RANK = 1e-10


@dataclass(frozen=True, slots=True)
class Variance:
    """Shares of the variance of scores, each from 0 to 1.

    Attributes:
        axes: By axis, what it explains alone; empty where nothing can be told.
        pairs: By pair of axes, what their combination explains beyond the two; empty where that cannot be told.
        totals: By axis, what it explains alone and together with any others; of a fitted model with one other.
        within: What repeats and folds of the same point differ by: no axis explains it.
        exact: Whether the grid is whole, so that these shares, higher orders and `within` add up to 1.
        fitted: The share that a fitted model explains; None if exact, or if nothing was fitted.
    """

    axes: dict[str, float]
    pairs: dict[tuple[str, str], float]
    totals: dict[str, float]
    within: float
    exact: bool
    fitted: float | None = None

    @property
    def rest(self) -> float:
        """Return what three and more axes explain together, of a fitted model all that it does not explain."""
        told = sum(self.axes.values()) + sum(self.pairs.values()) if self.exact else self.fitted or 0.0
        return min(1.0, max(0.0, 1.0 - told - self.within))


def variance(runs: Design) -> Variance | None:
    """Return what the axes explain; None where no two scores differ, no axis varies, or each value has one trial."""
    scores = runs.scores - runs.scores.mean() if len(runs.scores) else runs.scores
    total = float(scores @ scores)
    # Of equal scores the mean may be off by a rounding error.
    # One trial to a value: all differences are that axis's, and those of chance.
    if len(runs.factors) == 1 and len(runs.factors[0].levels) == len(scores):
        return None
    if not runs.factors or total <= len(scores) * (1e-12 * float(np.abs(runs.scores).max())) ** 2:
        return None
    inside = _within(scores, runs.points) / total
    if runs.complete:
        return _exact(runs.factors, scores, total, inside)
    return _fitted(runs.factors, scores, total, inside)


def _between(scores: Numbers, cells: npt.NDArray[np.int64]) -> float:
    """Return the sum of squares between cells, of scores whose mean is 0."""
    _, places = np.unique(cells, return_inverse=True)
    counts = np.bincount(places)
    sums = np.bincount(places, scores)
    return float((sums**2 / counts).sum())


def _within(scores: Numbers, points: npt.NDArray[np.intp]) -> float:
    return max(0.0, float(scores @ scores) - _between(scores, points.astype(np.int64)))


def _exact(factors: Sequence[Factor], scores: Numbers, total: float, inside: float) -> Variance:
    def between(*those: Factor) -> float:
        return _between(scores, cell_codes(those)[0]) / total if those else 0.0

    axes = {factor.name: between(factor) for factor in factors}
    pairs = {
        (one.name, other.name): max(0.0, between(one, other) - axes[one.name] - axes[other.name])
        for one, other in combinations(factors, 2)
    }
    cells = between(*factors)
    totals = {
        factor.name: max(0.0, cells - between(*(other for other in factors if other is not factor)))
        for factor in factors
    }
    return Variance(axes, pairs, totals, inside, exact=True)


def _fitted(factors: Sequence[Factor], scores: Numbers, total: float, inside: float) -> Variance:
    terms: list[tuple[int, ...]] = [(place,) for place in range(len(factors))]
    sizes = list(map(_size, factors))
    if 1 + sum(sizes) >= len(scores):
        return Variance({}, {}, {}, inside, exact=False)
    pairs = list(combinations(range(len(factors)), 2))
    columns = 1 + sum(sizes) + sum(sizes[one] * sizes[other] for one, other in pairs)
    if columns <= _MOST_COLUMNS and columns * _TRIALS_TO_A_COEFFICIENT <= len(scores):
        terms += pairs
    model = _Model.of(factors, terms, scores)
    # A term is held against all terms that do not contain it: type II.
    share = {
        term: max(0.0, model.lost(term, [other for other in terms if other == term or not set(term) <= set(other)]))
        / total
        for term in terms
    }
    names = [factor.name for factor in factors]
    totals = {name: min(1.0, sum(share[term] for term in terms if place in term)) for place, name in enumerate(names)}
    return Variance(
        axes={names[term[0]]: share[term] for term in terms if len(term) == 1},
        pairs={(names[term[0]], names[term[1]]): share[term] for term in terms if len(term) == 2},
        totals=totals,
        within=inside,
        exact=False,
        fitted=min(1.0, model.explained(terms) / total),
    )


def _size(factor: Factor) -> int:
    return len(factor.levels) - 1 - factor.nested


def _contrasts(size: int, *, nested: bool) -> Numbers:
    """Return what each level has in the columns of a factor, (levels, size): deviations, which sum to zero.

    Trials without the setting have none of it: that they differ from the others is what decides whether they have it.
    """
    rows = [np.eye(size), -np.ones((1, size)), *([np.zeros((1, size))] if nested else [])]
    return np.vstack(rows)


@dataclass(frozen=True, eq=False)
class _Model:
    """The normal equations of a linear model of levels: which columns belong to a term, their products, with scores."""

    columns: dict[tuple[int, ...], npt.NDArray[np.intp]]
    products: Numbers
    with_scores: Numbers
    _known: dict[tuple[tuple[int, ...], ...], tuple[npt.NDArray[np.intp], Numbers, Numbers]] = field(
        default_factory=dict
    )

    @classmethod
    def of(cls, factors: Sequence[Factor], terms: Iterable[tuple[int, ...]], scores: Numbers) -> _Model:
        sizes = list(map(_size, factors))
        columns: dict[tuple[int, ...], npt.NDArray[np.intp]] = {}
        count = 1
        for term in terms:
            size = int(np.prod([sizes[place] for place in term]))
            columns[term] = np.arange(count, count + size)
            count += size
        products, with_scores = np.zeros((count, count)), np.zeros(count)
        for first in range(0, len(scores), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            own = [(factor.codes[part], factor.nested) for factor in factors]
            matrix = _matrix(own, sizes, columns, count)
            products += matrix.T @ matrix
            with_scores += matrix.T @ scores[part]
        return cls(columns, products, with_scores)

    def explained(self, terms: Sequence[tuple[int, ...]]) -> float:
        """Return the sum of squares that the model of these terms explains, of scores whose mean is 0."""
        own, values, vectors = self._directions(tuple(terms))
        along = vectors.T @ self.with_scores[own]
        return float((along**2 / values).sum())

    def lost(self, term: tuple[int, ...], terms: Sequence[tuple[int, ...]]) -> float:
        """Return what the model of these terms explains less without one of them.

        Of a model of full rank its coefficients tell that, without fitting the other model.
        """
        own, values, vectors = self._directions(tuple(terms))
        if len(values) < len(own):
            return self.explained(terms) - self.explained([other for other in terms if other != term])
        coefficients = vectors @ ((vectors.T @ self.with_scores[own]) / values)
        places = np.flatnonzero(np.isin(own, self.columns[term]))
        part = vectors[places]
        return float(coefficients[places] @ np.linalg.solve((part / values) @ part.T, coefficients[places]))

    def _directions(self, terms: tuple[tuple[int, ...], ...]) -> tuple[npt.NDArray[np.intp], Numbers, Numbers]:
        """Return the columns of these terms, and the directions of their model that are more than rounding errors."""
        if terms not in self._known:
            own = np.concatenate([[0], *(self.columns[term] for term in terms)]).astype(np.intp)
            values, vectors = np.linalg.eigh(self.products[np.ix_(own, own)])
            kept = values > _RANK * values[-1]
            self._known[terms] = own, values[kept], vectors[:, kept]
        return self._known[terms]


def _matrix(
    codes: Sequence[tuple[npt.NDArray[np.intp], bool]],
    sizes: Sequence[int],
    columns: dict[tuple[int, ...], npt.NDArray[np.intp]],
    count: int,
) -> Numbers:
    """Return the columns of some runs: ones, each level but the first against the first, and products of these.

    The contrasts are those of deviation (sum to zero), which keeps the columns of axes and pairs nearly orthogonal.
    """
    own = []
    for (places, nested), size in zip(codes, sizes, strict=True):
        own.append(_contrasts(size, nested=nested)[places])
    matrix = np.empty((len(codes[0][0]), count))
    matrix[:, 0] = 1.0
    for term, where in columns.items():
        if len(term) == 1:
            matrix[:, where] = own[term[0]]
        else:
            one, other = own[term[0]], own[term[1]]
            matrix[:, where] = (one[:, :, None] * other[:, None, :]).reshape(len(matrix), -1)
    return matrix
