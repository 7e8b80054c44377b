"""Which of the best cannot be told apart: held against scipy's and statsmodels' tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.intervals import mean_half_width, share_interval
from gridsearch.analysis.ties import ties
from tests.analysis.grids import grid, job_data, make_job, make_trial

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}


def of_rights(*rights: int, images: int = 323, **more: object) -> JobData:
    """A grid whose trials have so many of the validation images right."""
    values = list(range(1, len(rights) + 1))
    return grid({"width": values}, lambda p: rights[p["width"] - 1] / images, images={"validation": images}, **more)


def test_shares_of_images_are_held_against_each_other_as_by_the_test_of_two_proportions() -> None:
    rights = [314, 314, 312, 308, 305, 304, 303, 302, 300, 290, 200]
    found = ties(of_rights(*rights))
    assert found is not None
    theirs = [right for right in rights if right == 314 or proportions_ztest([314, right], [323, 323])[1] >= 0.05]
    assert (found.judge, found.images, found.count, found.last) == ("images", 323, len(theirs), len(theirs))
    assert found.best.interval == pytest.approx(proportion_confint(314, 323, method="wilson"))
    chances = [one.chance or 0.0 for one in found.tied]
    assert sum(chances) == pytest.approx(1) and chances[0] == pytest.approx(chances[1], abs=0.05)


def test_a_loss_that_was_measured_once_ties_with_its_equals_only() -> None:
    found = ties(of_rights(300, 314, 314, 313, objective=LOSS))
    assert found is not None
    assert (found.judge, found.count, found.separation) == ("equality", 2, None)
    assert found.best.chance is None and found.best.interval is None


def test_a_mean_over_classes_counts_no_images() -> None:
    rows = [make_trial({"width": n}, 0.5, more={"balanced_accuracy": 0.9 - n / 1000}) for n in (1, 2, 3)]
    metric = {"metric": "balanced_accuracy", "at": "last", "mode": "max"}
    found = ties(job_data(make_job({"width": [1, 2, 3]}, objective=metric), rows))
    assert found is not None and (found.judge, found.count) == ("equality", 1)


def test_the_cheapest_is_named_by_each_cost_and_the_one_to_take_by_the_first() -> None:
    sizes = {1: (500, 7), 2: (100, 9), 3: (100, 8), 4: (10, 1)}
    rights = {1: 314, 2: 313, 3: 312, 4: 100}
    rows = [
        make_trial({"width": n}, rights[n] / 323, parameters=own, macs=macs, seconds=float(n))
        for n, (own, macs) in sizes.items()
    ]
    found = ties(job_data(make_job({"width": [1, 2, 3, 4]}), rows))
    assert found is not None and found.count == 3
    named = {name: one.rank for name, one in found.cheapest}
    assert named == {"parameters": 2, "macs": 1, "seconds": 1}
    assert found.take.rank == 3 and found.take.cost("epochs") == 3  # of equal parameters the fewer multiplications
    difference = (314 - 312) / 323
    assert found.separation is not None and found.separation.difference == pytest.approx(difference)


def test_so_many_images_would_tell_as_by_the_power_of_the_test() -> None:
    found = ties(of_rights(314, 305, images=323))
    assert found is not None and found.take.rank == 1  # nothing tells which is cheaper
    rows = [make_trial({"width": 1}, 0.95, parameters=9), make_trial({"width": 2}, 0.94, parameters=5)]
    told = ties(job_data(make_job({"width": [1, 2]}), rows))
    assert told is not None and told.separation is not None and told.separation.images is not None
    spread = math.sqrt((0.95 * 0.05 + 0.94 * 0.06) / 2)
    theirs = NormalIndPower().solve_power(effect_size=0.01 / spread, alpha=0.05, power=0.8)
    assert told.separation.images == pytest.approx(theirs, rel=0.01)


def test_two_points_are_held_against_each_other_by_the_paired_t_test() -> None:
    draw = np.random.default_rng(0)
    for shift in (0.0, 0.002, 0.01, 0.03, 0.1):
        common = draw.normal(0, 0.05, 5)
        one, other = 0.8 + common + draw.normal(0, 0.01, 5), 0.8 - shift + common + draw.normal(0, 0.01, 5)
        scores = {1: one, 2: other}
        rows = [make_trial({"width": w, "seed": s}, float(scores[w][s])) for w in (1, 2) for s in range(5)]
        found = ties(job_data(make_job({"width": [1, 2]}, repeats=5), rows))
        assert found is not None and found.judge == "repeats"
        assert (found.count == 2) == (stats.ttest_rel(one, other).pvalue >= 0.05)


def test_an_interval_of_repeats_is_students_t_and_folds_are_widened() -> None:
    values = [0.8, 0.85, 0.79, 0.9]
    theirs = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert np.mean(values) + mean_half_width(float(np.std(values, ddof=1)), 4) == pytest.approx(theirs[1])
    # Nadeau and Bengio: 1/k + n_test/n_train
    wide = mean_half_width(float(np.std(values, ddof=1)), 4, 1 / 3)
    assert wide == pytest.approx((theirs[1] - np.mean(values)) * math.sqrt((1 / 4 + 1 / 3) / (1 / 4)))


@pytest.mark.parametrize(("right", "images"), [(0, 10), (10, 10), (314, 323), (1, 3)])
def test_an_interval_of_a_share_is_wilsons(right: int, images: int) -> None:
    theirs = stats.binomtest(right, images).proportion_ci(method="wilson")
    assert share_interval(right / images, images) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_chance_to_be_the_best_goes_by_draws_of_repeats() -> None:
    """Where one point is ahead in each repeat, no draw of them has another ahead."""
    rows = [make_trial({"width": w, "seed": s}, 0.5 + w / 100 + s / 10) for w in (1, 2) for s in range(3)]
    rows += [make_trial({"width": 3, "seed": s}, 0.52 + [0.3, 0.0, 0.0][s]) for s in range(3)]
    found = ties(job_data(make_job({"width": [1, 2, 3]}, repeats=3), rows))
    assert found is not None
    chances = {dict(one.settings)["width"]: one.chance for one in found.tied}
    assert chances.get("1", 0.0) == 0.0 and sum(filter(None, chances.values())) == pytest.approx(1, abs=0.01)


def test_none_where_nothing_may_be_the_best_and_all_where_all_are_equal() -> None:
    assert ties(grid({"width": [1, 2]}, lambda p: None)) is None
    one = ties(grid({"width": [1]}, lambda p: 0.5))
    assert one is not None and (one.count, one.best.chance, one.take) == (1, 1.0, one.best)
    same = ties(of_rights(*[323] * 60))
    assert same is not None and (same.count, len(same.tied), same.separation) == (60, 50, None)
    assert same.frame().shape[0] == 50
