"""Shares of the variance: hand-made tables, and statsmodels' analysis of variance."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.formula.api import ols

from gridsearch.analysis.factors import Design, Factor, design
from gridsearch.analysis.variance import variance
from tests.analysis.grids import SHALLOW, grid, job_data, make_job, make_trial, shallow_score


def runs_of(codes: np.ndarray, scores: np.ndarray, sizes: list[int]) -> Design:
    """Runs of factors a, b, ... as `design` reads them from a job."""
    count = len(scores)
    kept = [place for place in range(len(sizes)) if len(set(codes[:, place])) > 1]
    factors = []
    for place in kept:
        _, own = np.unique(codes[:, place], return_inverse=True)
        levels = tuple(map(str, range(own.max() + 1)))
        factors.append(Factor("abcdef"[place], levels, levels, own.astype(np.intp), codes[:, place].astype(np.float64)))
    cells = math.prod(len(factor.levels) for factor in factors)
    seen = np.unique(codes[:, kept], axis=0, return_counts=True)[1]
    return Design(
        heading="score",
        highest=True,
        trials=tuple(map(str, range(count))),
        scores=scores,
        wins=np.ones(count, np.bool_),
        factors=tuple(factors),
        constant=(),
        points=np.arange(count, dtype=np.intp),
        within="all",
        of=count,
        complete=bool(factors) and len(seen) == cells and seen.min() == seen.max(),
        empty=cells - len(seen),
        unscored={},
    )


def anova(codes: np.ndarray, scores: np.ndarray, runs: Design, *, pairs: bool) -> dict[str, float]:
    """Type II sums of squares by statsmodels, as shares of the total."""
    frame = pd.DataFrame({"abcdef"[place]: codes[:, place] for place in range(codes.shape[1])})
    frame["y"] = scores
    names = [factor.name for factor in runs.factors]
    formula = "y ~ " + (f"({' + '.join(f'C({n}, Sum)' for n in names)})" + ("**2" if pairs else ""))
    table = sm.stats.anova_lm(ols(formula, frame).fit(), typ=2)
    total = float(((scores - scores.mean()) ** 2).sum())
    return {name: value / total for name, value in table["sum_sq"].items()}


def test_a_table_by_hand() -> None:
    """2 x 2: means 1, 3 of a and 1.5, 2.5 of b about 2; the pair is what is left of the cells."""
    codes = np.array(list(itertools.product(range(2), range(2))))
    found = variance(runs_of(codes, np.array([0.0, 2.0, 3.0, 3.0]), [2, 2]))
    assert found is not None and found.exact and found.fitted is None
    # total 6; a: 4 * 1 = 4; b: 4 * 0.25 = 1; the pair: 1
    assert found.axes == pytest.approx({"a": 4 / 6, "b": 1 / 6})
    assert found.pairs == pytest.approx({("a", "b"): 1 / 6})
    assert found.totals == pytest.approx({"a": 5 / 6, "b": 2 / 6})
    assert found.rest == pytest.approx(0, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(2, 4), min_size=2, max_size=4), seed=st.integers(0, 1000), copies=st.integers(1, 2))
def test_a_whole_grid_is_what_statsmodels_says_and_adds_up(sizes: list[int], seed: int, copies: int) -> None:
    codes = np.array(list(itertools.product(*map(range, sizes))) * copies)
    scores = np.random.default_rng(seed).normal(size=len(codes))
    runs = runs_of(codes, scores, sizes)
    found = variance(runs)
    assert found is not None and found.exact
    assert sum(found.axes.values()) + sum(found.pairs.values()) + found.rest + found.within == pytest.approx(1)
    if len(sizes) > 2 or copies > 1:  # statsmodels needs a residual
        theirs = anova(codes, scores, runs, pairs=True)
        for name, share in found.axes.items():
            assert share == pytest.approx(theirs[f"C({name}, Sum)"], abs=1e-9)
        for (one, other), share in found.pairs.items():
            assert share == pytest.approx(theirs[f"C({one}, Sum):C({other}, Sum)"], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), kept=st.floats(0.6, 0.95))
def test_with_missing_cells_it_is_statsmodels_type_two(seed: int, kept: float) -> None:
    draw = np.random.default_rng(seed)
    codes = np.array(list(itertools.product(range(4), range(3), range(3), range(2))))
    codes = codes[draw.random(len(codes)) < kept]
    effect = codes @ np.array([1.0, -0.5, 0.2, 0.1]) + codes[:, 0] * codes[:, 1]
    scores = effect + draw.normal(size=len(codes))
    runs = runs_of(codes, scores, [4, 3, 3, 2])
    found = variance(runs)
    assert found is not None and not found.exact and found.fitted is not None
    theirs = anova(codes, scores, runs, pairs=bool(found.pairs))
    for name, share in found.axes.items():
        assert share == pytest.approx(theirs[f"C({name}, Sum)"], abs=1e-7)
    for (one, other), share in found.pairs.items():
        assert share == pytest.approx(theirs[f"C({one}, Sum):C({other}, Sum)"], abs=1e-7)
    assert 1 - found.fitted == pytest.approx(theirs["Residual"], abs=1e-7)


def test_so_few_trials_that_nothing_can_be_told() -> None:
    codes = np.array([[0, 0], [1, 1], [2, 2], [3, 0]])
    found = variance(runs_of(codes, np.array([1.0, 2.0, 3.0, 5.0]), [4, 3]))
    assert found is not None and found.axes == {} and found.pairs == {}
    assert variance(runs_of(codes, np.full(4, 0.1), [4, 3])) is None


def test_the_reports_grid_is_exact_and_one_trial_less_is_nearly_that() -> None:
    data = grid(SHALLOW, shallow_score)
    found = variance(design(data))
    assert found is not None and found.exact and sum(found.axes.values()) == pytest.approx(1)
    assert list(found.axes) == list(SHALLOW)
    fewer = variance(design(job_data(data.job, data.rows[1:])))
    assert fewer is not None and not fewer.exact
    assert fewer.axes == pytest.approx(found.axes, abs=0.02)


def test_repeats_are_no_effect_of_an_axis() -> None:
    rows = [
        make_trial({"neurons": n, "seed": seed}, 0.5 + n / 100 + (seed - 1) / 10)
        for n in (10, 20)
        for seed in (0, 1, 2)
    ]
    found = variance(design(job_data(make_job({"neurons": [10, 20]}, repeats=3), rows)))
    assert found is not None and found.exact
    # means 0.6 and 0.7, each spread by -0.1, 0, 0.1
    assert found.axes["neurons"] == pytest.approx(6 * 0.05**2 / (6 * 0.05**2 + 4 * 0.1**2))
    assert found.within == pytest.approx(1 - found.axes["neurons"])
