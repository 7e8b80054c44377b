import pandas as pd

from gridsearch.analysis.column_names import AFTER
from gridsearch.config.events import TrialState
from gridsearch.store.rows import EpochRow
from tests.analysis.grids import SHALLOW, grid, job_data, make_epochs, make_job, make_trial, shallow_score

BEST = {"metric": "val_accuracy", "at": "best", "mode": "max"}


def test_columns_are_id_state_axes_settings_numbers() -> None:
    frame = grid(SHALLOW, shallow_score).trials
    assert list(frame.columns[:6]) == ["trial", "state", *SHALLOW]
    assert tuple(frame.columns[-len(AFTER) :]) == AFTER
    assert len(frame) == 192
    assert frame["trial"].str.len().unique().tolist() == [64]


def test_rows_keep_the_order_of_the_grid() -> None:
    frame = grid({"learning_rate": [0.1, 0.01], "neurons": [10, 5]}, lambda point: 0.5).trials
    assert frame[["learning_rate", "neurons"]].values.tolist() == [[0.1, 10], [0.1, 5], [0.01, 10], [0.01, 5]]


def test_types_follow_the_values() -> None:
    axes = {"learning_rate": [1.0, 2.0], "hidden": [[512, 256], [8]], "nesterov": [True], "neurons": [10]}
    frame = grid(axes | {"momentum": [0.9]}, lambda point: 0.5).trials
    kinds = {name: str(frame[name].dtype) for name in (*axes, "momentum", "score", "diverged_epoch")}
    assert kinds == {
        "learning_rate": "float64",
        "hidden": "object",
        "nesterov": "bool",
        "neurons": "int64",
        "momentum": "float64",
        "score": "float64",
        "diverged_epoch": "Int64",
    }
    assert frame["hidden"].unique().tolist() == [(512, 256), (8,)]


def test_a_setting_that_some_trials_lack_stays_what_it_is() -> None:
    rows = [make_trial({"neurons": 10, "wide": True}, 0.5), make_trial({"epochs": 4}, 0.6)]
    frame = job_data(make_job({}), rows).trials
    assert str(frame["neurons"].dtype) == "Int64"
    assert str(frame["wide"].dtype) == "boolean"
    assert frame["neurons"].isna().tolist() == [False, True]


def test_a_setting_named_like_a_column_of_ours_gets_another_name() -> None:
    data = grid({"score": [1, 2], "state": ["a", "b"]}, lambda point: 0.5)
    assert data.axis_columns == ["setting_score", "setting_state"]
    assert data.trials["setting_score"].tolist() == [1, 1, 2, 2]
    assert data.trials["score"].tolist() == [0.5] * 4


def test_only_completed_and_stopped_trials_have_a_score() -> None:
    rows = [make_trial({"neurons": n}, 0.5, state=state) for n, state in enumerate(TrialState, start=1)]
    frame = job_data(make_job({"neurons": [1]}), rows).trials
    assert frame[frame["score"].notna()]["state"].tolist() == ["completed", "stopped"]


def test_the_best_epoch_is_looked_for_within_the_trials_own_epochs_and_not_at_zero() -> None:
    rows = [make_trial({"epochs": 1}, 0.3), make_trial({"epochs": 3}, 0.2)]
    lineage = rows[0].lineage_id
    accuracies = [0.99, 0.3, 0.7, 0.2]
    epochs = [EpochRow(lineage, n, 1.0, a, 1.0, a, 0.1, 1.0) for n, a in enumerate(accuracies)]
    data = job_data(make_job({"epochs": [1, 3]}, objective=BEST), rows, epochs)
    assert rows[1].lineage_id == lineage
    assert data.trials["score"].tolist() == [0.3, 0.7]
    lowest = {"metric": "val_accuracy", "at": "best", "mode": "min"}
    assert job_data(make_job({}, objective=lowest), rows, epochs).trials["score"].tolist() == [0.3, 0.2]


def test_epochs_are_given_to_every_trial_of_the_lineage_up_to_its_own_number() -> None:
    rows = [make_trial({"epochs": 3}, 0.5), make_trial({"epochs": 1}, 0.4)]
    frame = job_data(make_job({"epochs": [3, 1]}), rows, make_epochs(rows)).epochs
    assert frame["epoch"].tolist() == [0, 1, 2, 3, 0, 1]
    assert frame["trial"].tolist() == [rows[0].trial_id] * 4 + [rows[1].trial_id] * 2


def test_no_trials_and_no_epochs_are_empty_frames_with_all_columns() -> None:
    data = job_data(make_job({"neurons": [1]}), [], ())
    assert data.trials.empty and "neurons" in data.trials.columns and "score" in data.trials.columns
    assert data.epochs.empty and "val_loss" in data.epochs.columns
    assert pd.api.types.is_float_dtype(data.epochs["val_loss"].dtype)
