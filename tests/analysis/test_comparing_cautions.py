"""What keeps differences between jobs from being those of settings alone: shared trials, other images, chosen bests."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gridsearch.analysis.comparing.telling import answer_text, pairing_notes, pairing_text
from gridsearch.analysis.frames import JobData
from tests.analysis.grids import grid, job_data, make_epochs, make_job, make_trial
from tests.analysis.test_comparing import AXES_OF_A, LOSS, RATES, A, B, compared, scores, whole


def seeded(name: str, seeds: tuple[int, ...], drawn: str = "weights", **settings: float) -> JobData:
    """Points of two neurons, repeated over seeds; a score is a function of the trial, as in one store."""
    seed = {"weights": "seed", "split": "data_seed"}[drawn]
    rows = [
        make_trial({"neurons": n, "batch_size": 4, seed: s, **settings}, 0.5 + n / 100 + s / 50)
        for n in (10, 20)
        for s in seeds
    ]
    repeated = {"repeats": len(seeds), "repeat_over": drawn} if len(seeds) > 1 else {}
    fixed = settings | ({} if repeated else {seed: seeds[0]})
    return job_data(make_job({"neurons": [10, 20]}, name=name, fixed=fixed, **repeated), rows, make_epochs(rows))


def test_a_result_that_is_in_both_is_not_held_against_itself() -> None:
    """The mean of three repeats holds one of them; that another has the score by chance makes it no same trial."""
    three, one, few = seeded("three", (0, 1, 2)), seeded("one", (1,)), seeded("few", (0, 1))
    for job, sizes in ((one, (3, 1)), (few, (3, 2))):
        found = compared(three, job)
        (pair,) = found.pairings
        assert [(cell.common, cell.sizes, cell.same) for cell in pair.cells] == [(sizes[1], sizes, False)] * 2
        assert (pair.same, pair.independent, pair.interval) == (0, 0, None)
        assert all(cell.interval is None for cell in pair.cells) and found.bests[1].interval is None
        name = found.labels[1]
        assert pairing_text(pair).startswith(f"in all 2 shared cells the trials of {name} are among those of three: ")
        assert found.cautions == (
            f"all {2 * sizes[1]} trials of {name} are among the 6 of three, so the two are not independent",
        )
    # The middle repeat has the mean of all, yet is not the same as they are.
    (pair,) = compared(three, one).pairings
    assert pair.cells[0].difference == pytest.approx(0) and not pair.cells[0].same
    assert compared(three, seeded("late", (2, 3))).pairings[0].cells[0].common == 1
    assert compared(one, seeded("other", (1,))).pairings[0].same == 2


def test_cells_of_trials_that_are_in_both_are_not_counted_in_the_mean() -> None:
    """That a result does not differ from itself says nothing of the settings."""
    rates = {"learning_rate": RATES, "momentum": [0.0, 0.9]}
    one = grid(rates, lambda p: 0.5 + p["learning_rate"] + p["momentum"] / 10, name="one")
    rows = [
        make_trial(
            {"learning_rate": rate, "momentum": m, **({"weight_decay": 0.1} if m else {})},
            0.5 + rate + m / 10 + (rate / 3 if m else 0.0),
        )
        for rate in RATES
        for m in (0.0, 0.9)
    ]
    other = job_data(make_job(rates, name="other"), rows, make_epochs(rows))
    (pair,) = compared(one, other).pairings
    apart = [cell.difference for cell in pair.cells if not cell.same]
    assert (pair.same, pair.independent, len(pair.cells)) == (3, 3, 6)
    low, high = stats.ttest_1samp(apart, 0).confidence_interval()
    assert pair.interval == pytest.approx((low, high)) and pair.mean == pytest.approx(np.mean(apart))
    assert pairing_text(pair).startswith("over 3 shared cells without a trial in common other differs from one by ")
    assert "3 of the cells have the very same trials in both, not counted above" in pairing_notes(pair, "best")
    # Of another store the same trials may have other scores: these are differences.
    again = replace(one, trials=one.trials.assign(score=one.trials["score"] + 0.01))
    again = replace(again, job=replace(again.job, name="again"))
    (pair,) = compared(one, again).pairings
    assert (pair.same, pair.independent) == (6, 6) and pair.mean == pytest.approx(0.01)
    assert "all cells have the very same trials in both, with other scores" in pairing_notes(pair, "best")


def test_images_are_others_where_the_split_is_whatever_their_number() -> None:
    def split(name: str, **settings: object) -> JobData:
        rows = [make_trial({"neurons": n, "batch_size": 8, **settings}, 0.5 + n / 100) for n in (1, 2)]
        return job_data(make_job({"neurons": [1, 2]}, name=name, fixed={"batch_size": 8}), rows, make_epochs(rows))

    plain = split("plain")
    said = "the images are divided otherwise, so scores are of other images"
    for other in ({"split": {"validation": 0.25}}, {"data_seed": 3}, {"split": {"folds": 4}, "fold": 1}):
        found = compared(plain, split("other", **other))
        assert found.cautions[0] == said and not any(cell.same_images for cell in found.pairings[0].cells), other
    assert not any("images" in text for text in compared(plain, split("other", momentum=0.9)).cautions)
    drawn = compared(seeded("drawn", (0, 1, 2), "split"), seeded("once", (0,), "split", momentum=0.9))
    assert drawn.cautions[0] == "the images are divided otherwise, so scores are in part of other images"


def test_folds_of_other_numbers_are_not_paired() -> None:
    def folded(name: str, folds: int) -> JobData:
        rows = [
            make_trial({"neurons": 1, "split": {"folds": folds}, "fold": f, "momentum": folds / 10}, 0.5 + f**2 / 50)
            for f in range(folds)
        ]
        job = make_job({"neurons": [1]}, name=name, folds=folds, fixed={"momentum": folds / 10})
        return job_data(job, rows, make_epochs(rows))

    four, five = folded("four", 4), folded("five", 5)
    (cell,) = compared(four, five).pairings[0].cells
    own, other = np.array(scores(four)), np.array(scores(five))
    parts = own.var(ddof=1) * (1 / 4 + 1 / 3), other.var(ddof=1) * (1 / 5 + 1 / 4)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 3 + parts[1] ** 2 / 4)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    middle = other.mean() - own.mean()
    assert cell.interval == pytest.approx((middle - half, middle + half))


def test_the_headline_says_that_bests_were_chosen_and_takes_no_interval_with_0_for_chance() -> None:
    near, far = compared(whole(A), whole(B)), compared(whole(A), grid(AXES_OF_A, lambda p: 0.1, name="far"))
    assert "which chance may explain: its 95 % interval is " in answer_text(near)
    assert "more than chance explains: its 95 % interval is " in answer_text(far)
    assert near.cautions == (
        "each best was chosen for its score, which flatters it, and no interval takes account of that",
    )
    few = compared(A, grid({"learning_rate": RATES}, lambda p: 0.3, name="few", fixed={"momentum": 0.5}))
    assert "flatters the best of many more than that of few (6 of a, 3 of few)" in few.cautions[0]
    losses = [
        grid({"n": [1, 2]}, lambda p, s=s: p["n"] * s, name=f"l{s}", objective=LOSS, fixed={"momentum": s / 10})
        for s in (1, 2)
    ]
    assert answer_text(compared(*losses)).endswith(
        "; whether chance may explain that is not known, as the error of this difference is not"
    )
