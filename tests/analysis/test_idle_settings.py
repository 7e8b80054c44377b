"""An axis that has no effect on a trial is no setting of it: momentum under Adam."""

from __future__ import annotations

from typing import Any

import pytest

from gridsearch.analysis.correlation import correlation
from gridsearch.analysis.filtering import matching
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.analysis.scatter import board
from gridsearch.analysis.shared_settings import shared_settings
from gridsearch.analysis.summary import summary
from gridsearch.cli.render.best import settings_text
from gridsearch.cli.render.trial import trial_text
from gridsearch.config.trial import MORTAL, RECIPE_DEFAULTS
from tests.analysis.grids import job_data, make_job, make_trial

AXES = {"optimizer": ["sgd", "adam"], "momentum": [0.0, 0.9], "neurons": [8]}


@pytest.fixture
def data() -> JobData:
    points: list[dict[str, Any]] = [{"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "adam"}]
    scores = (0.5, 0.6, 0.7)
    rows = [make_trial(point | {"neurons": 8}, score) for point, score in zip(points, scores, strict=True)]
    return job_data(make_job(AXES, fixed={}), rows, [])


def test_it_has_no_value_in_tables_sentences_and_figures(data: JobData) -> None:
    assert data.trials["momentum"].isna().tolist() == [False, False, True]
    shown = table(data, TableOptions())
    assert shown.first[0].cells == ("0.700000", "adam", "", "8") and shown.first[0].values[2] is None
    assert [row.cells[2] for row in shown.first] == ["", "0.9", "0"]
    best = summary(data).best
    assert best and [name for name, value in best.settings if value] == ["optimizer", "neurons"]
    assert settings_text(data.rows[2].config, data.job.record) == "optimizer adam, neurons 8"
    assert settings_text(data.rows[0].config, data.job.record) == "optimizer sgd, momentum 0, neurons 8"
    assert board(data).axis("momentum").drawn[2] is None
    assert correlation(data).n == 3 and correlation(data).names == ("momentum", "val_accuracy")
    assert len(matching(data.trials, "momentum == 0")) == 1


def test_what_no_trial_can_have_is_a_column_without_values() -> None:
    rows = [make_trial({"optimizer": "adam", "neurons": 8}, 0.5)]
    data = job_data(make_job({"momentum": [0.0, 0.9]}, fixed={"optimizer": "adam"}), rows, [])
    assert data.trials["momentum"].dtype == "float64" and data.trials["momentum"].isna().all()
    assert table(data, TableOptions()).first[0].cells == ("0.500000", "")


def test_a_fixed_setting_keeps_its_column(data: JobData) -> None:
    assert data.trials["gamma"].tolist() == [RECIPE_DEFAULTS["gamma"]] * 3


def test_a_trial_shows_what_determines_it(data: JobData) -> None:
    text = trial_text(data.rows[2], data.job.record.settings_of(data.rows[2].config) | {"momentum": 0.0}, [], [])
    assert "momentum" not in text and "gamma" not in text and "betas" in text


def test_failed_trials_have_no_value_in_common_that_does_nothing(data: JobData) -> None:
    adam, *sound = data.rows[2], data.rows[1]
    assert shared_settings(data.job, [adam], sound) == {"optimizer": ["adam"]}


def test_only_settings_of_the_recipe_can_be_idle() -> None:
    assert set(RECIPE_DEFAULTS) >= MORTAL
