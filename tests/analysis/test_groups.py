"""Points trained several times: what is a group, how it is ranked, what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ranking import TableOptions, leader, table, unranked
from gridsearch.analysis.scatter import board
from gridsearch.analysis.summary import summary
from gridsearch.config.events import TrialState
from gridsearch.store.rows import TrialRow
from tests.analysis.grids import job_data, make_epochs, make_job, make_trial

AXES = {"neurons": [10, 20, 30]}
SCORES = {10: (0.5, 0.7), 20: (0.65, 0.65), 30: (0.2, 0.9)}
SPLIT = {"split": {"folds": 2, "test": 0.1}}


def of_seeds(**changes: Any) -> list[TrialRow]:
    return [
        make_trial({"neurons": n, "seed": seed}, score, **changes)
        for n, scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]


def of_folds() -> list[TrialRow]:
    return [
        make_trial({"neurons": n, "seed": seed, "fold": fold, **SPLIT}, score + seed / 10)
        for n, scores in SCORES.items()
        for seed in (0, 1)
        for fold, score in enumerate(scores)
    ]


def data(rows: list[TrialRow], **job: Any) -> JobData:
    return job_data(make_job(AXES, **({"repeats": 2} | job)), rows, make_epochs(rows))


def test_a_point_has_the_mean_and_the_spread_of_its_seeds() -> None:
    shown = table(data(of_seeds()))
    assert shown.headings == ("val_accuracy", "neurons")
    assert [row.cells for row in shown.rows] == [
        ("0.6500 ± 0.0000 (n=2)", "20"),
        ("0.6000 ± 0.1414 (n=2)", "10"),
        ("0.5500 ± 0.4950 (n=2)", "30"),
    ]
    assert (shown.unit, shown.total, shown.rows[0].rank) == ("point", 3, 1)
    assert shown.rows[0].trial == of_seeds()[2].trial_id


def test_repeats_over_splits_are_one_group() -> None:
    rows = [
        make_trial({"neurons": n, "data_seed": seed, "seed": 3}, score)
        for n, scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]
    found = grouped(data(rows, repeat_over="split")).trials
    assert found["score"].tolist() == pytest.approx([np.mean(scores) for scores in SCORES.values()])
    assert found["score_std"].tolist() == pytest.approx([np.std(scores, ddof=1) for scores in SCORES.values()])
    assert ("data_seed" in found, found["seed"].tolist()) == (False, [3, 3, 3])
    assert len(grouped(data(rows)).trials) == 6  # the repeats of such a job differ in seed alone
    both = [make_trial({"neurons": 10, "seed": seed, "data_seed": seed + 1}, 0.5) for seed in range(4)]
    assert grouped(data(both, repeat_over="both")).trials["score_n"].tolist() == [4]


def test_folds_and_seeds_are_one_group() -> None:
    read = data(of_folds(), folds=2)
    frame = grouped(read).trials
    assert frame["score_n"].tolist() == frame["score_of"].tolist() == [4, 4, 4]
    for n, mean, std in zip(frame["neurons"], frame["score"], frame["score_std"], strict=True):
        scores = [score + more for score in SCORES[n] for more in (0, 0.1)]
        assert (mean, std) == pytest.approx((np.mean(scores), np.std(scores, ddof=1)))
    assert {"seed", "fold"} <= set(read.trials.columns)
    assert not {"seed", "fold"} & set(frame.columns)


def test_a_seed_that_is_an_axis_beside_folds_tells_points_apart() -> None:
    rows = of_folds()
    read = job_data(make_job({**AXES, "seed": [0, 1]}, folds=2), rows, make_epochs(rows))
    assert grouped(read).trials["score_n"].tolist() == [2] * 6
    best = leader(read)
    assert best is not None
    assert best.cells == ("20", "1")


def test_programs_get_mean_and_spread_apart_and_single_trials_when_asked() -> None:
    frame = table(data(of_seeds()), TableOptions(apart=True)).frame()
    assert frame.columns.tolist() == [*(f"val_accuracy_{x}" for x in ("mean", "std", "n", "of", "diverged")), "neurons"]
    assert frame.iloc[1].tolist() == pytest.approx([0.6, 0.02**0.5, 2, 2, 0, 10])
    each = table(data(of_seeds()), TableOptions(each=True, apart=True))
    assert (each.unit, each.total, each.headings) == ("trial", 6, ("val_accuracy", "neurons"))
    assert each.first[0].cells == ("0.900000", "30")


def test_points_can_be_filtered_sorted_and_shown_by_their_spread() -> None:
    options = TableOptions(filter="neurons < 30", sort=("-val_accuracy_std",), columns=("neurons", "score_std"))
    assert [row.cells for row in table(data(of_seeds()), options).rows] == [("10", "0.141421"), ("20", "0.000000")]
    with pytest.raises(TableError, match="unknown column 'seed'"):
        table(data(of_seeds()), TableOptions(columns=("seed",)))


def test_what_is_missing_of_a_point_is_said_and_what_diverged_ranks_last() -> None:
    rows = of_seeds()
    rows[1] = make_trial({"neurons": 10, "seed": 1}, state=TrialState.PENDING)
    rows[3] = make_trial({"neurons": 20, "seed": 1}, state=TrialState.DIVERGED)
    read = data(rows)
    shown = table(read)
    assert [row.cells for row in shown.rows] == [
        ("0.5500 ± 0.4950 (n=2)", "30"),
        ("0.5000 (n=1 of 2)", "10"),
        ("0.6500 (n=1 of 2, 1 diverged)", "20"),
    ]
    assert [row.state for row in shown.rows] == ["completed", "completed", "diverged"]
    assert [row.state for row in unranked(read)] == ["pending"]
    assert table(read, TableOptions(state="diverged")).unit == "trial"


def test_a_point_without_a_result_is_not_ranked() -> None:
    rows = of_seeds()
    rows[:2] = [make_trial({"neurons": 10, "seed": s}, state=TrialState.FAILED, error="x") for s in (0, 1)]
    assert table(data(rows)).total == 2
    assert grouped(data(rows)).trials["state"].tolist() == ["failed", "completed", "completed"]
    assert grouped(job_data(make_job(AXES, repeats=2), [])).trials.empty


@pytest.mark.parametrize("at", ["last", "best"])
def test_the_best_point_is_that_of_the_highest_mean_and_the_page_says_its_spread(at: str) -> None:
    read = data(of_seeds(), objective={"metric": "val_accuracy", "at": at, "mode": "max"})
    best = summary(read).best
    assert best is not None
    assert (best.text, best.settings) == ("0.6500 ± 0.0000 (n=2)", (("neurons", "20"),))
    assert best.score == pytest.approx(0.65)


def test_the_best_epoch_of_each_trial_is_what_is_averaged() -> None:
    rows = of_seeds()
    epochs = make_epochs(rows)
    peak = max(epochs, key=lambda row: (row.lineage_id == rows[0].lineage_id) * row.epoch)
    better = [row if row is not peak else row._replace(val_accuracy=0.99) for row in epochs]
    read = job_data(
        make_job(AXES, repeats=2, objective={"metric": "val_accuracy", "at": "best", "mode": "max"}), rows, better
    )
    shown = table(read)
    assert shown.rows[0].cells == ("0.8450 ± 0.2051 (n=2)", "10")
    assert shown.headings[0] == "best val_accuracy"


def test_figures_show_single_trials_and_neither_seed_nor_fold() -> None:
    read = data(of_folds(), folds=2)
    assert correlation(read).names == ("neurons", "val_accuracy") and correlation(read).n == 12
    assert [axis.name for axis in board(read).axes] == ["neurons"] and len(board(read).trials) == 12


def over(point: Mapping[str, int]) -> dict[str, Any]:
    return {"parameters": 1000 * point["neurons"], "macs": None, "seconds": 2.0}


def test_what_exceeds_a_constraint_ranks_after_all_that_do_not_and_is_never_the_best() -> None:
    axes = {"neurons": [10, 20, 30]}
    rows = [make_trial({"neurons": n}, n / 100, **over({"neurons": n})) for n in axes["neurons"]]
    limits = {"parameters": 15_000, "macs": 5, "seconds": 3}
    read = job_data(make_job(axes, constraints=limits), rows, make_epochs(rows))
    shown = table(read)
    assert shown.headings == ("val_accuracy", "over", "neurons")
    assert [row.cells for row in shown.rows] == [
        ("0.100000", "", "10"),
        ("0.300000", "parameters", "30"),
        ("0.200000", "parameters", "20"),
    ]
    glance = summary(read)
    assert glance.best is not None
    assert (glance.best.score, glance.over) == (0.1, 2)
    none = job_data(make_job(axes, constraints={"parameters": 1, "seconds": 1}), rows, make_epochs(rows))
    assert (summary(none).best, leader(none), table(none).rows[0].cells[1]) == (None, None, "parameters, seconds")


def test_a_point_exceeds_what_any_of_its_trials_exceeds() -> None:
    rows = of_seeds()
    rows[2] = make_trial({"neurons": 20, "seed": 0}, 0.65, seconds=99.0)
    shown = table(data(rows, constraints={"seconds": 50}))
    assert [row.cells[1] for row in shown.rows] == ["", "", "seconds"]
    assert shown.rows[-1].cells[-1] == "20"
