"""Models on the same images, held against statsmodels, scipy and published tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as of_statsmodels

from gridsearch.analysis.evaluated_trials import evaluated_frame, evaluated_trials
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.paired import Paired, mcnemar, paired
from gridsearch.store.rows import EvaluationRow
from tests.analysis.grids import START, grid

COUNTS = st.integers(0, 400)
ANSWERS = st.integers(1, 200).flatmap(lambda n: arrays(np.bool_, (2, n)))


def of_answers(answers: np.ndarray) -> Paired:
    one, two = (np.packbits(row).tobytes() for row in answers)
    return paired(one, two, answers.shape[1])


@given(ANSWERS)
def test_pairs_are_counted_and_tested_as_statsmodels_does(answers: np.ndarray) -> None:
    one, two = answers
    found = of_answers(answers)
    table = [[int((one & two).sum()), int((one & ~two).sum())], [int((~one & two).sum()), int((~one & ~two).sum())]]
    assert [[found.both, found.first], [found.second]] == [table[0], table[1][:1]]
    assert found.difference == pytest.approx(one.mean() - two.mean(), abs=1e-12)
    assert found.p_value == pytest.approx(of_statsmodels(table, exact=True).pvalue, rel=1e-9)


@given(COUNTS, COUNTS)
def test_the_exact_test_is_that_of_scipy(first: int, second: int) -> None:
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == mcnemar(second, first) == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_of_very_many_images_it_is_still_exact() -> None:
    for first, second in [(50_000, 49_000), (3, 20_000), (10_000, 10_000), (5_200, 5_000)]:
        assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize(
    ("found", "low", "high"),
    [
        # Bentur et al. 2009 and Cavo et al. 2012, in Fagerland, Lydersen and Laake, Statistical Analysis of Contingency
        # Tables (2017), chapter 8; the numbers are those of their R package contingencytables.
        (Paired(images=21, first=1, second=7, both=1), -0.5069, -0.0256),
        (Paired(images=161, first=6, second=16, both=59), -0.1186, -0.0046),
    ],
)
def test_the_interval_is_the_published_one(found: Paired, low: float, high: float) -> None:
    assert found.interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(ANSWERS)
def test_an_interval_holds_its_difference_and_turns_with_it(answers: np.ndarray) -> None:
    found, turned = of_answers(answers), of_answers(answers[::-1])
    low, high = found.interval
    assert -1 <= low <= found.difference <= high <= 1
    assert turned.interval == (pytest.approx(-high, abs=1e-12), pytest.approx(-low, abs=1e-12))
    assert turned.p_value == found.p_value and turned.tied == found.tied


@given(arrays(np.bool_, st.integers(1, 200)))
def test_equal_answers_are_certainly_tied(answers: np.ndarray) -> None:
    found = of_answers(np.stack([answers, answers]))
    assert (found.p_value, found.tied, found.difference) == (1.0, True, 0.0)


def test_the_interval_covers_what_it_should() -> None:
    generator = np.random.default_rng(0)
    # Two models of 92 and 90 %, most of whose mistakes are the same images.
    cells = generator.multinomial(323, [0.88, 0.04, 0.02, 0.06], size=4000)
    held = [
        low <= 0.02 <= high
        for both, first, second, _ in cells.tolist()
        for low, high in [Paired(323, first, second, both).interval]
    ]
    assert 0.94 <= np.mean(held) <= 0.98


def evaluated(data: JobData, correct: list[bytes], counts: list[int]) -> list[EvaluationRow]:
    return [
        EvaluationRow(row.trial_id, 1, 0.5, ("a", "b"), ((count, 10 - count), (0, 10)), 0.1, at=START, correct=own)
        for row, own, count in zip(data.rows, correct, counts, strict=True)
    ]


def packed(text: str) -> bytes:
    return np.packbits([int(sign) for sign in text]).tobytes()


def test_evaluated_trials_are_held_against_the_best_ranked() -> None:
    data = grid({"neurons": [5, 10, 20]}, lambda point: 0.9 - point["neurons"] / 1000)
    correct = [packed("1" * 10 + "1" * 10), packed("0" * 7 + "1" * 13), b""]
    with_tests = replace(data, evaluations=tuple(evaluated(data, correct, [10, 3, 10])))
    first, second, third = evaluated_trials(with_tests)
    assert first.behind is None and third.behind is None
    assert second.behind == Paired(20, first=7, second=0, both=13)
    frame = evaluated_frame(with_tests)
    assert frame["behind"].tolist()[1] == pytest.approx(0.35) and frame["p_mcnemar"][1] == pytest.approx(2 / 2**7)
    assert frame[["behind", "behind_low", "behind_high", "p_mcnemar"]].isna().to_numpy()[[0, 2]].all()
    # An older store says nothing of it.
    older = replace(data, evaluations=tuple(evaluated(data, [b""] * 3, [10, 3, 10])))
    assert "behind" not in evaluated_frame(older) and not any(one.behind for one in evaluated_trials(older))


def test_trials_on_other_images_are_not_held_against_each_other() -> None:
    data = grid({"data_seed": [0, 1]}, lambda point: 0.9 - point["data_seed"] / 10)
    rows = [
        EvaluationRow(row.trial_id, 1, 0.5, ("a", "b"), ((10, 0), (0, 10)), 0.1, at=START, correct=packed("1" * 20))
        for row in data.rows
    ]
    assert [one.behind for one in evaluated_trials(replace(data, evaluations=tuple(rows)))] == [None, None]
