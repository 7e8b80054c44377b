"""No two columns of a table are called alike, whatever settings and metrics are called."""

from __future__ import annotations

import json

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.evaluated_trials import evaluated_frame
from gridsearch.analysis.filtering import matching
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.analysis.timing import timing
from gridsearch.cli.render.trial import trial_json
from tests.analysis.own_grids import own_grid

AXES = {"width": [1, 2], "rank": [3, 4], "trainings": [0]}
#: What a trial reports: settings are called so, columns of ours, and what a metric would be called apart.
REPORT = {"val_f1": 0.5, "width": 0.25, "rank": 7.0, "metric_width": 3.0, "error": 9.0}


def made(metric: str = "val_f1") -> JobData:
    return own_grid(
        AXES, lambda point, epoch: {**REPORT, "val_f1": point["width"] / 4}, {"metric": metric, "mode": "max"}
    )


def test_each_metric_and_each_setting_has_a_column() -> None:
    for data in (made(), grouped(made())):
        columns = data.metrics
        assert columns == {
            "error": "metric_error",
            "metric_width": "metric_width",
            "rank": "metric_rank",
            "val_f1": "val_f1",
            "width": "metric_metric_width",
        }
        assert len(set(data.trials)) == len(data.trials.columns)
        assert {name: data.trials[column].tolist()[0] for name, column in columns.items()} == REPORT | {"val_f1": 0.25}
        assert data.trials["width"].tolist() == [1, 1, 2, 2] and data.trials["rank"].tolist() == [3, 4, 3, 4]
        assert matching(data.trials, "rank == 3 and metric_rank == 7")["width"].tolist() == [1, 2]


def test_the_score_the_rank_and_what_is_counted_stand_apart() -> None:
    data = made("width")
    whole = table(data, TableOptions(apart=True))
    assert whole.headings == ("metric_metric_width", "width", "rank", "trainings")
    frame = whole.frame(ids=True)
    assert frame.index.name == "table_rank" and frame.reset_index()["rank"].tolist() == [3, 4, 3, 4]
    assert set(correlation(data).names).isdisjoint({"score"}) and len(set(correlation(data).names)) == 3
    assert list(timing(data, "trainings").frame()) == ["trainings", "table_trainings", "seconds_per_epoch"]
    assert "table_rank" in evaluated_frame(data) and "rank" in evaluated_frame(data)


def test_a_trial_as_json_has_its_metrics_beside_what_else_it_has() -> None:
    data = made()
    told = trial_json(data.rows[0], {}, [], [])
    assert told["error"] is None and told["metric_error"] == 9.0 and told["width"] == 0.25
    assert json.dumps(told)
