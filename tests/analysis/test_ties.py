"""Which of the best cannot be told apart: held against scipy's and statsmodels' tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.intervals import mean_half_width, share_interval
from gridsearch.analysis.ties import tied_text, ties
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
        make_trial({"width": n}, rights[n] / 323, parameters=own, macs=macs, seconds=100.0 * n)
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


def test_the_chance_to_be_the_best_falls_with_the_rank() -> None:
    rows = [make_trial({"width": w, "seed": s}, 0.5 + w / 100 + s / 10) for w in (1, 2) for s in range(3)]
    rows += [make_trial({"width": 3, "seed": s}, 0.52 + [0.3, 0.0, 0.0][s]) for s in range(3)]
    found = ties(job_data(make_job({"width": [1, 2, 3]}, repeats=3), rows))
    assert found is not None
    chances = [one.chance or 0.0 for one in found.tied]
    assert sum(chances) == pytest.approx(1, abs=0.01) and chances[0] > max(chances) - 0.05


def test_none_where_nothing_may_be_the_best_and_all_where_all_are_equal() -> None:
    assert ties(grid({"width": [1, 2]}, lambda p: None)) is None
    one = ties(grid({"width": [1]}, lambda p: 0.5))
    assert one is not None and (one.count, one.best.chance, one.take) == (1, 1.0, one.best)
    same = ties(of_rights(*[323] * 60))
    assert same is not None and (same.count, len(same.tied), same.separation) == (60, 50, None)
    assert same.frame().shape[0] == 50


def test_trials_of_data_sets_of_unlike_sizes_are_held_by_the_images_of_each() -> None:
    """220 of 240 and 198 of 240 differ (z = 2.99); 90 of 100 cannot be told from the first."""
    sizes = {"small": 100, "large": 240}
    made = [
        {
            "settings": {"size": n},
            "fingerprint": name,
            "images": {"train": 5 * n, "validation": n},
            "image_shape": [1, 8, 8],
        }
        for name, n in sizes.items()
    ]
    rows = []
    for name, rights in (("small", [90]), ("large", [220, 198])):
        for place, right in enumerate(rights):
            row = make_trial({"width": place + 1, "size": sizes[name]}, right / sizes[name])
            rows.append(row._replace(config=row.config.replace('"fingerprint"', f'"{name}"')))
    axes = {"width": [1, 2], "size": [100, 240]}
    found = ties(job_data(make_job(axes, images={"train": 500, "validation": 100}, datasets=made), rows))
    assert found is not None and (found.count, found.images) == (2, None)
    assert found.best.interval == pytest.approx(proportion_confint(220, 240, method="wilson"))
    assert found.tied[1].interval == pytest.approx(proportion_confint(90, 100, method="wilson"))


def test_points_that_were_trained_unlike_times_are_held_over_what_both_have() -> None:
    """Repeat 0 is a lucky draw for all: whoever has it alone is no better than those who have it too."""
    luck = [0.15, -0.05, -0.04, -0.03, -0.03]
    draw = np.random.default_rng(1)
    rows = []
    for width in range(1, 9):
        for seed in range(5 if width <= 4 else 1):
            score = (0.72 if width <= 4 else 0.70) + luck[seed] + float(draw.normal(0, 0.001))
            rows.append(make_trial({"width": width, "seed": seed}, score))
    found = ties(job_data(make_job({"width": list(range(1, 9))}, repeats=5), rows))
    assert found is not None
    assert found.best.settings == (("width", found.best.settings[0][1]),) and int(found.best.settings[0][1]) >= 5
    widths = {int(dict(one.settings)["width"]) for one in found.tied}
    assert widths >= {1, 2, 3, 4}  # in the repeat that all have they are better


def test_a_tie_and_the_chance_to_be_the_best_do_not_contradict_each_other() -> None:
    for folds, repeats in ((3, 1), (None, 3), (3, 2)):
        rows = []
        for width in (1, 2, 3):
            for place in range((folds or 1) * repeats):
                config = {"width": width, "seed": place % repeats}
                if folds:
                    config |= {"split": {"folds": folds}, "fold": place // repeats}
                # The second is behind in each training, but by less than these differ.
                rows.append(make_trial(config, 0.9 - 0.02 * width * (1 + place % 2) - (0.3 if width == 3 else 0)))
        found = ties(job_data(make_job({"width": [1, 2, 3]}, repeats=repeats, folds=folds), rows))
        assert found is not None
        if found.count > 1:
            assert 0 < (found.tied[1].chance or 0) < (found.tied[0].chance or 0) < 1
        assert found.best.interval is not None and found.best.interval[0] < found.best.interval[1]


def test_infinite_scores_have_no_place() -> None:
    rows = [make_trial({"width": n}, score) for n, score in ((1, 0.5), (2, math.inf), (3, 0.4))]
    found = ties(job_data(make_job({"width": [1, 2, 3]}), rows))
    assert found is not None and (found.of, found.best.score) == (2, 0.5)


def test_times_that_are_close_decide_nothing() -> None:
    rows = [make_trial({"width": n}, 0.95 - n / 1000, seconds=seconds) for n, seconds in ((1, 0.09), (2, 0.04))]
    found = ties(job_data(make_job({"width": [1, 2]}), rows))
    assert found is not None and (found.count, found.take.rank, found.cheapest) == (2, 1, ())
    long = [make_trial({"width": n}, 0.95 - n / 1000, seconds=seconds) for n, seconds in ((1, 90.0), (2, 40.0))]
    found = ties(job_data(make_job({"width": [1, 2]}), long))
    assert found is not None and found.take.rank == 2 and found.take.cost("seconds") == 40.0


def test_a_sentence_says_which_are_tied() -> None:
    assert tied_text(of_rights(314, 314, 313, 200)) == "1-3 are tied: how they differ may be chance."
    assert tied_text(of_rights(314, 314, 200)) == "1-2 have the same score."
    assert tied_text(of_rights(314, 200)) == tied_text(grid({"width": [1]}, lambda p: None)) == ""


def of_answers(answers: np.ndarray, known: Sequence[int] | None = None, **more: object) -> JobData:
    """A grid of trials of which it is known what images they have right, for those in these places, best first."""
    answers = answers[np.argsort(-answers.sum(1), kind="stable")]
    data = of_rights(*answers.sum(1).tolist(), images=answers.shape[1], **more)
    packed = {row.trial_id: np.packbits(own).tobytes() for row, own in zip(data.rows, answers, strict=True)}
    having = {data.rows[place].trial_id for place in (range(len(answers)) if known is None else known)}
    return replace(
        data, answers=lambda rows: {row.trial_id: packed[row.trial_id] for row in rows if row.trial_id in having}
    )


def alike_but(*own_mistakes: Sequence[int], images: int = 323) -> np.ndarray:
    """Models that have all images right but their own mistakes."""
    answers = np.ones((len(own_mistakes), images), np.bool_)
    for row, mistakes in zip(answers, own_mistakes, strict=True):
        row[list(mistakes)] = False
    return answers


@settings(max_examples=25)
@given(st.tuples(st.integers(2, 6), st.integers(1, 60)).flatmap(lambda shape: arrays(np.bool_, shape)))
def test_trials_on_the_same_images_are_held_against_the_best_as_by_mcnemar(answers: np.ndarray) -> None:
    found = ties(of_answers(answers))
    assert found is not None and found.judge == "images"
    ordered = answers[np.argsort(-answers.sum(1), kind="stable")]
    best = ordered[0]
    tied = [mcnemar([[0, (best & ~own).sum()], [(~best & own).sum(), 0]], exact=True).pvalue > 0.05 for own in ordered]
    assert found.count == sum(tied) and found.paired == found.count - 1
    assert [one.rank for one in found.tied] == [place + 1 for place, own in enumerate(tied) if own]
    assert sum(one.chance or 0.0 for one in found.tied) == pytest.approx(1)


def test_few_images_tell_models_apart_that_make_the_same_mistakes() -> None:
    # 9 and 15 mistakes of 323, where all of the first's are the second's too: two samples would not tell them apart.
    answers = alike_but(range(9), range(15))
    paired, samples = ties(of_answers(answers)), ties(of_rights(314, 308))
    assert paired is not None and samples is not None
    assert (paired.count, samples.count) == (1, 2)
    assert mcnemar([[308, 6], [0, 9]], exact=True).pvalue < 0.05


def test_equal_answers_are_certainly_tied_and_share_the_chance_to_be_the_best() -> None:
    found = ties(of_answers(alike_but(range(9), range(9), range(40))))
    assert found is not None and (found.count, found.paired) == (2, 1) and found.equal
    assert [one.chance for one in found.tied] == [0.5, 0.5]
    assert found.compared == "exact paired comparison"


def test_the_chance_to_be_the_best_is_that_of_the_images_drawn_again() -> None:
    answers = alike_but(range(9), range(3, 15), range(20, 33))
    found = ties(of_answers(answers))
    assert found is not None and found.count == 3
    random = np.random.default_rng(1)
    drawn = np.array([answers[:, random.integers(0, 323, 323)].sum(1) for _ in range(4000)])
    highest = drawn == drawn.max(1, keepdims=True)
    wanted = (highest / highest.sum(1, keepdims=True)).mean(0)
    assert [one.chance for one in found.tied] == pytest.approx(wanted.tolist(), abs=0.03)


def test_where_it_is_known_of_some_alone_the_others_are_two_samples() -> None:
    answers = alike_but(range(9), range(15), range(14), range(60))
    half = ties(of_answers(answers, known=[0, 2]))
    assert half is not None
    # In the order of the ranking: 9, 14, 15 and 60 mistakes. Of the second nothing is known; the third is told apart.
    assert [one.rank for one in half.tied] == [1, 2] and (half.paired, half.compared) == (0, "")
    assert half.on_images == "323 images (as independent samples: which each has right is not known)"
    most = ties(of_answers(alike_but(range(9), range(14), range(3, 13)), known=[0, 1]))
    assert most is not None and (most.count, most.paired) == (3, 1)
    assert most.compared == "exact paired comparison of 1 of them"
    without = ties(of_answers(answers, known=[1, 2, 3]))
    assert without is not None and (without.count, without.paired) == (3, 0)


def test_answers_that_do_not_fit_a_score_are_not_used() -> None:
    data = of_rights(314, 308)
    wrong = {row.trial_id: np.packbits(np.ones(323, np.bool_)).tobytes() for row in data.rows}
    found = ties(replace(data, answers=lambda rows: {row.trial_id: wrong[row.trial_id] for row in rows}))
    assert found is not None and (found.count, found.paired) == (2, 0)


def test_trials_that_validate_on_other_images_are_two_samples() -> None:
    seeds = grid({"data_seed": [0, 1]}, lambda p: (314 - 6 * p["data_seed"]) / 323, images={"validation": 323})
    packed = dict(zip([row.trial_id for row in seeds.rows], alike_but(range(9), range(15)), strict=True))
    data = replace(
        seeds, answers=lambda rows: {row.trial_id: np.packbits(packed[row.trial_id]).tobytes() for row in rows}
    )
    found = ties(data)
    assert found is not None and (found.count, found.paired) == (2, 0)


def test_so_many_images_would_tell_two_apart_that_vary_together() -> None:
    # Connor (1987): of the images 16 of 323 are right for one alone, and 2 make the difference.
    answers = alike_but([*range(50), *range(60, 67)], [*range(50), *range(70, 79)])
    sizes = {1: 3000, 2: 100}
    data = of_answers(answers)
    rows = [row._replace(parameters=sizes[place]) for place, row in enumerate(data.rows, start=1)]
    found = ties(replace(job_data(data.job, rows), answers=data.answers))
    assert found is not None and found.take.rank == 2 and found.separation is not None
    difference, apart = 2 / 323, 16 / 323
    wanted = (1.959964 + 0.841621) ** 2 * (apart - difference**2) / difference**2
    assert found.separation.images == math.ceil(wanted)


def priced(data: JobData) -> JobData:
    """The same with models that get cheaper from trial to trial."""
    rows = [row._replace(parameters=1000 - place) for place, row in enumerate(data.rows)]
    return replace(job_data(data.job, rows), answers=data.answers)


def test_of_the_tied_the_cheapest_within_one_standard_error_is_to_be_taken() -> None:
    # Of 323 images two samples differ by less than 2 standard errors up to 9 images at 314, by less than one up to 4.
    found = ties(priced(of_rights(314, 311, 310, 306)))
    assert found is not None and found.count == 4
    error = math.sqrt(2 * (312.5 / 323) * (1 - 312.5 / 323) / 323)
    assert (314 - 310) / 323 < error < (314 - 306) / 323
    assert found.take.rank == 3 and dict(found.cheapest)["parameters"].rank == 4
    # Image by image: 7 that one alone has right and 3 that the other has differ by more than the root of 10.
    paired = ties(priced(of_answers(alike_but(range(9), [*range(6), *range(20, 27)]))))
    assert paired is not None and paired.count == 2 and paired.take.rank == 1
    near = ties(priced(of_answers(alike_but(range(9), [*range(4), *range(20, 27)]))))
    assert near is not None and near.count == 2 and near.take.rank == 2


def test_of_repeats_too_and_an_interval_of_a_share_ends_at_one() -> None:
    scores = {1: (0.99, 1.0, 0.98), 2: (0.6, 0.97, 0.95), 3: (0.98, 0.99, 0.985)}
    rows = [
        make_trial({"width": width, "seed": seed}, score, parameters=1000 * (4 - width) if width != 2 else 10)
        for width, own in scores.items()
        for seed, score in enumerate(own)
    ]
    found = ties(job_data(make_job({"width": [1, 2, 3]}, repeats=3), rows))
    assert found is not None and found.count == 3
    assert dict(found.cheapest)["parameters"].rank == 3 and found.take.rank == 2
    assert found.best.interval is not None and found.best.interval[1] == 1.0
    assert found.separation is not None and found.separation.rank == 2
