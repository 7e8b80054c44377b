from dataclasses import replace

from gridsearch.analysis.all_trials import all_trials
from gridsearch.analysis.ranking import ranked
from gridsearch.config.events import TrialState
from gridsearch.visualization.trial_rows import curves_data, rows_data
from tests.analysis.grids import grid, job_data, make_job, make_trial

AXES = {"optimizer": ["sgd", "adam"], "hidden": [[512, 256], [1024]], "neurons": [1, 2, 3]}
DATA = grid(
    AXES, lambda point: None if point["neurons"] == 3 else point["neurons"] / 10 + (point["optimizer"] == "sgd")
)


def test_rows_are_the_ranking_and_then_those_without_a_result() -> None:
    rows = [
        make_trial({"neurons": 1}, 0.1),
        make_trial({"neurons": 2}, state=TrialState.PENDING),
        make_trial({"neurons": 3}, 0.9),
        make_trial({"neurons": 4}, state=TrialState.FAILED, error="ValueError: no"),
    ]
    table = all_trials(job_data(make_job({"neurons": [1, 2, 3, 4]}), rows, ()))
    assert table.trials == tuple(rows[place].trial_id for place in (2, 0, 3, 1))
    assert table.ranks == (1, 2, None, None)
    columns = {column.name: column for column in table.columns}
    assert columns["error"].values == (None, None, "ValueError: no", None)
    assert columns["state"].values == ("completed", "completed", "failed", "pending")
    assert "overfit_epoch" not in columns


def test_of_very_many_the_best_are_kept() -> None:
    table = all_trials(DATA, 5)
    assert table.total == 12 and list(table.trials) == ranked(DATA)["trial"].tolist()[:5]


def test_settings_have_their_values_and_the_texts_that_people_read() -> None:
    table = all_trials(DATA)
    told = {column["name"]: column for column in rows_data(table)["columns"]}
    hidden = told["hidden"]
    assert hidden["texts"] == ["512-256", "1024"] and hidden["known"] == [(512, 256), (1024,)] and not hidden["ordered"]
    assert [hidden["texts"][code] for code in hidden["codes"]] == [
        "512-256" if row["hidden"] == (512, 256) else "1024" for _, row in ranked(DATA).iterrows()
    ]
    assert told["neurons"]["ordered"] and told["neurons"]["known"] == [1, 2, 3]


def test_repeats_have_their_seeds() -> None:
    rows = [make_trial({"neurons": n, "seed": seed}, n / 10 + seed / 100) for n in (1, 2) for seed in (0, 1)]
    job = make_job({"neurons": [1, 2]}, repeats=2)
    table = all_trials(job_data(job, rows, ()))
    shown = [column.name for column in table.columns if column.shown]
    assert shown == ["score", "neurons", *job.record.differing]
    assert table.ranks == (1, 2, 3, 4)


def test_curves_are_those_of_the_best_as_long_as_they_are_few() -> None:
    table = all_trials(DATA)
    whole = curves_data(DATA, table, ["val_loss"], 10_000)
    assert sorted(whole["of"]) == list(range(12)) and whole["lineages"][0]["epoch"] == [0, 1, 2, 3]
    some = curves_data(DATA, table, ["val_loss"], 12)
    assert len(some["lineages"]) == 3 and some["of"][:3] == [0, 1, 2] and set(some["of"][3:]) == {-1}
    assert curves_data(DATA, table, [], 10)["lineages"] == []


def test_of_very_many_trials_numbers_and_ids_are_short() -> None:
    table = all_trials(DATA)
    many = replace(table, trials=table.trials * 200, columns=())
    assert rows_data(many)["ids"][:32] == table.trials[0][:16] + table.trials[1][:16]
    assert len(rows_data(table)["ids"]) == 64 * 12
