import json
import subprocess
import sys

import pytest

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.ranking import TableOptions, elsewhere, ranked, table, unranked
from gridsearch.config.events import TrialState
from tests.analysis.grids import SHALLOW, grid, job_data, make_job, make_trial, shallow_score

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}


def test_the_table_is_the_best_then_the_worst_all_descending() -> None:
    shown = table(grid(SHALLOW, shallow_score))
    assert shown.headings == ("val_accuracy", "batch_size", "epochs", "learning_rate", "neurons")
    assert [row.rank for row in shown.rows] == [1, 2, 3, 4, 5, 188, 189, 190, 191, 192]
    assert shown.omitted == 182 and shown.total == 192
    assert shown.first[0].cells == ("0.957000", "4", "4", "0.1", "100")
    assert shown.last[-1].cells == ("0.500000", "128", "2", "0.0001", "10")
    scores = [row.score or 0 for row in shown.rows]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("count", range(13))
def test_a_small_job_shows_every_trial_once(count: int) -> None:
    shown = table(grid({"neurons": list(range(1, count + 1))}, lambda point: point["neurons"] / 100))
    trials = [row.trial for row in shown.rows]
    assert len(set(trials)) == len(trials) == min(count, 10)
    assert shown.omitted == max(0, count - 10)


def test_ties_keep_the_order_of_the_grid_both_ways() -> None:
    for objective in ({"metric": "val_accuracy", "at": "last", "mode": mode} for mode in ("max", "min")):
        data = grid({"neurons": [4, 3, 2, 1]}, lambda point: 0.5, objective=objective)
        assert ranked(data)["neurons"].tolist() == [4, 3, 2, 1]


def test_a_loss_is_ranked_lowest_first() -> None:
    data = grid({"neurons": [1, 2, 3]}, lambda point: point["neurons"] / 10, objective=LOSS)
    assert ranked(data)["neurons"].tolist() == [3, 2, 1]
    assert table(data).headings[0] == "val_loss"


def test_diverged_trials_stand_at_the_very_bottom() -> None:
    data = grid({"neurons": [1, 2, 3, 4]}, lambda point: None if point["neurons"] in (1, 3) else 0.5)
    shown = table(data)
    assert [row.cells for row in shown.rows] == [
        ("0.500000", "2"),
        ("0.500000", "4"),
        ("diverged", "1"),
        ("diverged", "3"),
    ]
    assert [row.score for row in shown.rows] == [0.5, 0.5, None, None]
    assert shown.frame()["val_accuracy"].isna().sum() == 2


def test_a_completed_trial_without_a_number_stands_above_the_diverged() -> None:
    rows = [
        make_trial({"neurons": 1}, state=TrialState.DIVERGED),
        make_trial({"neurons": 2}),
        make_trial({"neurons": 3}, 0.1),
    ]
    shown = table(job_data(make_job({"neurons": [1, 2, 3]}), rows))
    assert [row.cells[0] for row in shown.rows] == ["0.100000", "no value", "diverged"]


def test_unfinished_trials_are_not_ranked() -> None:
    rows = [make_trial({"neurons": n}, state=state) for n, state in enumerate(TrialState, start=1)]
    assert set(ranked(job_data(make_job({"neurons": [1]}), rows))["state"]) == {
        "completed",
        "stopped",
        "diverged",
    }


def test_trials_without_a_result_have_no_rank_and_are_those_of_their_states() -> None:
    rows = [make_trial({"neurons": n}, state=state) for n, state in enumerate(TrialState, start=1)]
    data = job_data(make_job({"neurons": [1]}), rows)
    others = unranked(data)
    assert [row.state for row in others] == ["failed", "cancelled", "running", "pending"]
    for row in others:
        listed = table(data, TableOptions(state=row.state))
        assert [(one.trial, one.rank) for one in listed.rows] == [(row.trial, row.rank)] == [(row.trial, None)]
        assert listed.frame().index.isna().all()
    assert [row.rank for row in table(data, TableOptions(state="completed")).rows] == [1]


def test_where_the_trials_are_that_a_filter_finds_and_a_table_leaves_out() -> None:
    states = (TrialState.COMPLETED, TrialState.FAILED, TrialState.FAILED, TrialState.PENDING)
    data = job_data(make_job({"neurons": [1]}), [make_trial({"neurons": n}, state=s) for n, s in enumerate(states)])
    assert elsewhere(data, TableOptions(filter="neurons > 0")) == (
        "; of those that match 2 are failed: --state failed, 1 is pending: --state pending"
    )
    assert elsewhere(data, TableOptions(filter="neurons > 0", state="failed")) == (
        "; of those that match 1 is pending: --state pending"
    )
    assert elsewhere(data, TableOptions(filter="neurons > 5")) == ""


def test_filter_sort_and_columns() -> None:
    data = grid(SHALLOW, shallow_score)
    options = TableOptions(
        top=3,
        bottom=0,
        filter="neurons == 50 and epochs == 4",
        sort=("-batch_size", "learning_rate"),
        columns=("batch_size", "learning_rate", "val_accuracy", "state", "seconds"),
    )
    shown = table(data, options)
    assert [row.cells for row in shown.rows] == [
        ("128", "0.0001", "0.506000", "completed", "1.5"),
        ("128", "0.001", "0.606000", "completed", "1.5"),
        ("128", "0.01", "0.706000", "completed", "1.5"),
    ]
    assert shown.numeric == (True, True, True, False, True)
    assert shown.total == 24 and shown.omitted == 21


def test_lists_sort_in_the_order_of_the_job() -> None:
    data = grid({"hidden": [[512, 256], [64], [1024]]}, lambda point: 0.5)
    assert ranked(data, TableOptions(sort=("hidden",)))["hidden"].tolist() == [(512, 256), (64,), (1024,)]
    assert ranked(data, TableOptions(sort=("-hidden",)))["hidden"].tolist() == [(1024,), (64,), (512, 256)]


@pytest.mark.parametrize("options", [TableOptions(sort=("nuerons",)), TableOptions(columns=("nuerons",))])
def test_an_unknown_column_names_the_nearest(options: TableOptions) -> None:
    with pytest.raises(TableError, match=r"^unknown column 'nuerons' \(did you mean 'neurons'\?\)$"):
        table(grid({"neurons": [1]}, lambda point: 0.5), options)


def test_a_negative_number_of_rows_is_refused() -> None:
    with pytest.raises(TableError, match="negative"):
        table(grid({"neurons": [1]}, lambda point: 0.5), TableOptions(top=-1))


def test_importing_the_ranking_loads_neither_plotly_nor_scipy_nor_torch() -> None:
    code = "import gridsearch.analysis.ranking, sys; print(*{'plotly', 'scipy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_table_shows_what_it_is_sorted_by() -> None:
    data = grid({"neurons": [1, 2, 3]}, lambda point: point["neurons"] / 10)
    assert table(data, TableOptions(sort=["-seconds", "neurons"])).columns == ("score", "seconds", "neurons")
    assert table(data, TableOptions(sort=["-val_accuracy"])).columns == ("score", "neurons")
    assert table(data, TableOptions(sort=["seconds"], columns=["trial"])).columns == ("trial",)


def test_long_numbers_are_rounded_for_people_and_whole_for_programs() -> None:
    rates = [0.001, 0.00215443469003, 0.00464158883361]
    data = grid({"learning_rate": rates}, lambda point: 1 - point["learning_rate"])
    shown = table(data)
    assert [row.cells[-1] for row in shown.rows] == ["0.001", "0.00215", "0.00464"]
    assert (shown.rounded, [row.values[-1] for row in shown.rows]) == (("learning_rate",), rates)
    whole = table(data, TableOptions(apart=True))
    assert ([row.cells[-1] for row in whole.rows], whole.rounded) == (
        ["0.001", "0.00215443469003", "0.00464158883361"],
        (),
    )
    assert table(grid({"learning_rate": [0.1, 0.01]}, lambda point: 0.5)).rounded == ()


def test_a_default_is_written_beside_values_that_are_given() -> None:
    given = [{"dropout": 0.5}, {"norm": True}, {"momentum": 0.9}]
    rows = [make_trial(settings, 0.5) for settings in given]
    axes = {"dropout": [None, 0.5], "norm": [False, True], "momentum": [0.0, 0.9], "freeze": ["", "*"]}
    data = job_data(make_job(axes, defaults={"dropout": None, "norm": False}), rows)
    assert [row.cells[1:] for row in table(data).rows] == [
        ("0.5", "false", "0", "none"),
        ("null", "true", "0", "none"),
        ("null", "false", "0.9", "none"),
    ]


def test_lists_are_json_for_programs_and_short_for_people() -> None:
    values = [[1, 2], [3], [[4], [5]]]
    data = grid({"hidden": values}, lambda point: 0.9 - values.index(point["hidden"]) / 10)
    assert [row.cells[-1] for row in table(data).rows] == ["1-2", "3", "[[4], [5]]"]
    told = [row.cells[-1] for row in table(data, TableOptions(apart=True)).rows]
    assert [json.loads(text) for text in told] == values
