"""Each piece of advice where it is due, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from gridsearch.analysis.advice.advise import advise
from gridsearch.analysis.advice.piece import CODES, Advice
from gridsearch.analysis.edges import edges
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ties import ties
from gridsearch.analysis.widening import wider
from gridsearch.config.events import TrialState
from gridsearch.store.rows import EpochRow, EvaluationRow, TrialRow
from tests.analysis.grids import START, grid, job_data, make_epochs, make_job, make_trial


def advised(data: JobData, code: str) -> Advice | None:
    return next((one for one in advise(data) if one.code == code), None)


def along(name: str, values: list[Any], *, rising: bool = True) -> JobData:
    """A grid whose score rises, or falls, so much from value to value that no two are tied."""
    return grid(
        {name: values}, lambda p: 0.2 + 0.15 * (values.index(p[name]) if rising else -values.index(p[name]) + 4)
    )


@pytest.mark.parametrize(
    ("name", "values", "rising", "expected"),
    [
        ("learning_rate", [0.001, 0.01, 0.1], True, (0.001, 0.01, 0.1, 1.0)),
        ("learning_rate", [0.001, 0.01, 0.1], False, (0.0001, 0.001, 0.01, 0.1)),
        ("neurons", [10, 20, 30], True, (10, 20, 30, 40)),
        ("neurons", [25, 50, 100], True, (25, 50, 100, 200)),
        ("neurons", [10, 20, 30], False, None),  # no model has 0 neurons
        ("batch_size", [4, 8, 16], False, (2, 4, 8, 16)),
        ("batch_size", [300, 600, 1200], True, None),  # there are 1,294 training images
        ("momentum", [0.5, 0.7, 0.9], True, None),  # 1.1 is none
        ("dropout", [0.2, 0.4, 0.6], True, (0.2, 0.4, 0.6, 0.8)),
        ("dropout", [0.3, 0.6, 0.9], True, None),
        ("weight_decay", [0.0, 0.001, 0.01], True, (0.0, 0.001, 0.01, 0.1)),
        ("learning_rate", [0.1, 1e6, 1e20], False, (0.01, 0.1, 1e6, 1e20)),  # no further than ten times
        ("offset", [-2, -1, 0], True, (-2, -1, 0, 1)),
        ("kind", ["a", "b", "c"], True, None),
    ],
)
def test_an_axis_gets_wider_in_its_own_spacing_and_never_beyond_what_may_be(
    name: str, values: list[Any], rising: bool, expected: tuple[Any, ...] | None
) -> None:
    data = along(name, values, rising=rising)
    found = [wider(data, edge) for edge in edges(data)]
    assert found == ([] if name == "kind" else [expected])
    advice = advised(data, "edge")
    assert (advice is None) == (expected is None)
    if advice and expected:
        assert advice.run == f"gridsearch launch sample --set '{name}=[{','.join(map(repr, expected))}]'"
        assert advice.effort is not None and advice.effort.trials == 1


def test_what_failed_or_diverged_names_what_it_shares() -> None:
    rows = [
        make_trial({"learning_rate": lr, "neurons": n}, None if lr == 1.0 else 0.5 + n / 1000, state=state, error=error)
        for lr, state, error in (
            (0.1, TrialState.COMPLETED, None),
            (1.0, TrialState.DIVERGED, None),
            (2.0, TrialState.FAILED, "RuntimeError: no"),
        )
        for n in (10, 20)
    ]
    rows = [row._replace(val_accuracy=None) if row.state == TrialState.FAILED else row for row in rows]
    data = job_data(make_job({"learning_rate": [0.1, 1.0, 2.0], "neurons": [10, 20]}), rows)
    diverged, failed = advised(data, "diverged"), advised(data, "failed")
    assert diverged and diverged.seen == "2 trials diverged; all 2 have learning_rate 1"
    assert failed and failed.seen == "2 trials failed: RuntimeError: no; all 2 have learning_rate 2"
    assert failed.run == "gridsearch resume sample --retry-failed"
    assert [one.code for one in advise(data)][:2] == ["failed", "diverged"]


def with_curve(row: TrialRow, accuracies: list[float], losses: list[tuple[float, float]]) -> JobData:
    epochs = [
        EpochRow(row.lineage_id, place + 1, train, value, val, value, 0.1, 1.0)
        for place, (value, (train, val)) in enumerate(zip(accuracies, losses, strict=True))
    ]
    return job_data(make_job({"neurons": [10]}), [row], epochs)


def test_overfitting_and_a_training_that_is_not_at_its_end() -> None:
    row = make_trial({"neurons": 10, "epochs": 20}, 0.9)
    still = with_curve(
        row, [0.5 + 0.02 * place for place in range(20)], [(1 - 0.02 * p, 1 - 0.02 * p) for p in range(20)]
    )
    found = advised(still, "still-improving")
    assert found and "0.0400 in the last 2 of 20" in found.seen
    assert found.run == "gridsearch launch sample --set epochs=40"
    assert found.effort is not None and found.effort.seconds == pytest.approx(20.0)
    level = with_curve(row, [0.9] * 20, [(0.1, 0.1)] * 20)
    assert advised(level, "still-improving") is None and advised(level, "overfitting") is None
    over = with_curve(row, [0.9] * 20, [(1 - 0.04 * p, 0.5 + 0.05 * abs(p - 6)) for p in range(20)])
    found = advised(over, "overfitting")
    assert found and "from epoch 7 of 20 on" in found.seen
    # That many epochs are the beginning of what was trained: nothing is trained again.
    assert found.run == "gridsearch launch sample --set 'epochs=[7]'" and found.effort and found.effort.trained


def test_all_at_chance_and_a_grid_that_learned() -> None:
    lost = grid({"neurons": [10, 20, 30]}, lambda p: 0.1 + p["neurons"] / 10_000, classes=10)
    found = advised(lost, "all-at-chance")
    assert found and "above 0.133" in found.seen and "--set 'learning_rate={logspace" in found.run
    learned = grid({"neurons": [10, 20, 30]}, lambda p: 0.1 + p["neurons"] / 100, classes=10)
    assert advised(learned, "all-at-chance") is None


def test_ties_select_the_tied_and_few_images_say_how_many() -> None:
    rows = [
        make_trial({"width": w, "learning_rate": lr}, (0.95 if lr == 0.1 else 0.5) + w / 1000, parameters=w)
        for w in (8, 16)
        for lr in (0.1, 0.001)
    ]
    data = job_data(make_job({"width": [8, 16], "learning_rate": [0.1, 0.001]}), rows, make_epochs(rows))
    tie, few = advised(data, "tie"), advised(data, "few-images")
    assert tie and tie.run == "gridsearch launch sample --set repeats=5 --only 'learning_rate == 0.1'"
    assert tie.why == "their order may be chance: take the cheaper one, or measure them better"
    assert tie.effort and tie.effort.trials == 8
    assert "rank 2 (width 8, learning_rate 0.1), which has 0.9580: 8 parameters, the best has 16" in tie.seen
    assert few and "323 validation images are too few to tell 0.0080" in few.seen
    assert few.run == "" and few.why.endswith("no split of 1,617 images changes that")


def test_one_draw_no_effect_and_a_test_that_was_looked_at_often() -> None:
    axes = {"neurons": [10, 20, 30], "learning_rate": [0.1, 0.01, 0.001]}
    data = grid(axes, lambda p: {0.1: 0.9, 0.01: 0.6, 0.001: 0.2}[p["learning_rate"]] + p["neurons"] / 10_000)
    assert advised(data, "one-draw") is not None
    idle = advised(data, "no-effect")
    assert idle and idle.seen.startswith("neurons explains 0.0 % of the variance")
    assert idle.run == "gridsearch plan sample --set neurons=30"
    tried = tuple(
        EvaluationRow(row.trial_id, 3, 0.1, ("a", "b"), ((1, 0), (0, 1)), 0.1, at=START) for row in data.rows[:3]
    )
    reused = advised(replace(data, evaluations=tried), "test-reused")
    assert reused and reused.seen.startswith("3 trials were tried")
    assert advised(replace(data, evaluations=tried[:1]), "test-reused") is None


def test_repeats_of_one_setting_are_one_try_of_the_test() -> None:
    rows = [make_trial({"neurons": n, "seed": seed}, 0.5 + n / 100) for n in (10, 20) for seed in (0, 1, 2)]
    tried = [EvaluationRow(row.trial_id, 3, 0.1, ("a", "b"), ((1, 0), (0, 1)), 0.1, at=START) for row in rows]
    repeats = job_data(make_job({"neurons": [10, 20]}, repeats=3), rows, make_epochs(rows))
    axis = job_data(make_job({"neurons": [10, 20], "seed": [0, 1, 2]}), rows, make_epochs(rows))
    for data, unit in ((repeats, "2 points were tried on"), (axis, "2 settings were tried on")):
        assert advised(replace(data, evaluations=tuple(tried[:3])), "test-reused") is None
        reused = advised(replace(data, evaluations=tuple(tried)), "test-reused")
        assert reused and reused.seen.startswith(unit)


def test_what_is_not_trained_yet_comes_first_and_nothing_at_all_says_only_that() -> None:
    rows = [make_trial({"neurons": n}, state=TrialState.PENDING) for n in (10, 20)]
    nothing = advise(job_data(make_job({"neurons": [10, 20]}), rows))
    assert [one.code for one in nothing] == ["no-result"]
    some = job_data(make_job({"neurons": [10, 20]}), [make_trial({"neurons": 10}, 0.5), rows[1]])
    found = advised(some, "incomplete")
    assert found and found.seen == "1 trial of 2 has no result yet" and found.run == "gridsearch resume sample"
    assert advise(job_data(make_job({"neurons": [10]}), [])) == ()


def test_codes_are_stable_and_a_store_of_another_name_is_named() -> None:
    data = along("neurons", [10, 20, 30])
    found = advise(data, store=" --store 'my results.db'")
    assert {one.code for one in found} <= set(CODES)
    assert all(one.run.endswith(" --store 'my results.db'") for one in found)


def test_values_with_far_fewer_trials_than_others_are_named() -> None:
    axes = {"kind": ["a", "b"], "width": [1, 2, 3]}
    data = grid(axes, lambda p: None if (p["kind"], p["width"]) in {("b", 2), ("b", 3)} else 0.5)
    found = advised(data, "unbalanced")
    assert found and found.seen == "kind b has 1 trial with a score, kind a has 3"
    whole = grid(axes, lambda p: 0.5)
    assert advised(whole, "unbalanced") is None


def test_what_can_never_be_trained_is_not_tried_again() -> None:
    rows = [
        make_trial({"width": 1}, 0.5),
        make_trial(
            {"width": 2}, state=TrialState.FAILED, error="model 'm:Net' cannot be built with width=2: ValueError"
        ),
    ]
    found = advised(job_data(make_job({"width": [1, 2]}), rows), "failed")
    assert found and found.run == "gridsearch status sample" and "leave these settings out by a rule" in found.why


def test_as_many_folds_as_there_are_images_enough() -> None:
    rows = [make_trial({"width": w}, accuracy, parameters=w) for w, accuracy in ((8, 0.925), (16, 0.95))]
    found = advised(job_data(make_job({"width": [8, 16]}), rows), "few-images")
    assert found and found.run == "gridsearch launch sample --set 'split={folds: 5}'"


def test_where_every_trial_diverged_smaller_rates_are_advised() -> None:
    axes = {"learning_rate": [10.0, 100.0], "neurons": [10, 20]}
    found = advised(grid(axes, lambda point: None), "diverged")
    assert found and found.seen == "every trial with a result diverged (4)"
    assert found.run == "gridsearch launch sample --set 'learning_rate=[0.01,0.1,1.0]'"
    some = advised(grid(axes, lambda point: None if point["learning_rate"] == 100 else 0.5), "diverged")
    assert some and some.run == "gridsearch top sample --state diverged"


def test_so_many_repeats_are_named_and_asked_for() -> None:
    scores = {1: (0.9, 0.91, 0.92), 2: (0.89, 0.92, 0.9)}
    rows = [
        make_trial({"width": width, "seed": seed}, score, parameters=10 * (3 - width))
        for width, own in scores.items()
        for seed, score in enumerate(own)
    ]
    data = job_data(make_job({"width": [1, 2]}, repeats=3), rows)
    told = ties(data)
    assert told is not None and told.separation is not None and told.separation.repeats is not None
    wanted = told.separation.repeats
    tie = advised(data, "tie")
    assert tie and wanted > 20 and f"which {wanted:,} repeats would tell from chance in 4 of 5 cases" in tie.seen
    assert f"--set repeats={wanted}" in tie.run and tie.effort and tie.effort.trials == 2 * (wanted - 3)
    folds = job_data(
        make_job({"width": [1, 2]}, repeats=1, folds=3),
        [
            make_trial({"width": width, "split": {"folds": 3}, "fold": fold}, score, parameters=10 * (3 - width))
            for width, own in scores.items()
            for fold, score in enumerate(own)
        ],
    )
    split = advised(folds, "tie")
    assert split and "more repeats on the same folds cannot tell from chance" in split.seen
    assert split.run.startswith("gridsearch top ")


def test_scores_that_are_no_numbers_are_said() -> None:
    rows = [make_trial({"neurons": n}, math.nan) for n in (1, 2)]
    found = advised(job_data(make_job({"neurons": [1, 2]}), rows), "no-result")
    assert found and found.seen == "of 2 trials with a result none has a val_accuracy that is a finite number"


def test_a_shorter_training_costs_what_is_not_trained_yet() -> None:
    row = make_trial({"neurons": 10, "epochs": 20}, 0.9)
    open_one = make_trial({"neurons": 20, "epochs": 20}, None, state=TrialState.PENDING)
    losses = [(2 / n, 1 / n if n < 8 else n / 20) for n in range(1, 21)]
    data = with_curve(row, [0.9] * 20, losses)
    whole = advised(data, "overfitting")
    assert whole and whole.effort and whole.effort.trained
    both = job_data(make_job({"neurons": [10, 20]}), [row, open_one], list(data.epoch_rows))
    half = advised(both, "overfitting")
    assert half and half.effort and not half.effort.trained and (half.effort.trials, half.effort.seconds) == (1, 7.0)
