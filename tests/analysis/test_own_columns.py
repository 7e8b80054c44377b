"""Tables of trainings of the user's own have the columns and rows that such trainings can have, and no others."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.groups import grouped
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.analysis.timing import timing
from gridsearch.cli.main import app
from gridsearch.config.events import EpochMetrics, LineageFinished, TrialState
from gridsearch.config.own_training import OwnConfig
from gridsearch.store.opening import open_store
from tests.analysis.grids import job_data, make_job, make_trial
from tests.analysis.own_grids import own_grid
from tests.store.grids import SOURCE, as_new, claim_all

OBJECTIVE = {"metric": "val_f1", "mode": "max"}
#: What only our own loop knows.
OURS = {"parameters", "macs", "ms_per_step", "initial_val_loss", "overfit_epoch"}


def scored(point: Mapping[str, Any], epoch: int) -> dict[str, float | None]:
    return {"val_f1": point["depth"] - 1 / epoch}


def made(**of_report: float) -> JobData:
    return own_grid({"depth": [3, 6]}, lambda point, epoch: scored(point, epoch) | of_report, OBJECTIVE, epochs=3)


def test_no_column_is_of_what_nobody_knows() -> None:
    data = made()
    assert not OURS & set(data.trials) and list(data.trials)[-4:] == [
        "diverged_epoch",
        "seconds_per_epoch",
        "seconds",
        "error",
    ]
    assert list(data.epochs) == ["trial", "epoch", "val_f1", "seconds"]
    assert data.epochs["epoch"].tolist() == [1, 2, 3] * 2
    assert not OURS & set(grouped(data).trials)
    assert list(timing(data, "depth").frame()) == ["depth", "trainings", "seconds_per_epoch"]
    with pytest.raises(TableError, match="unknown column 'macs'"):
        table(data, TableOptions(columns=["macs"]))


def test_losses_tell_what_they_tell_of_ours() -> None:
    data = made(train_loss=1.0, val_loss=2.0)
    assert OURS & set(data.trials) == {"initial_val_loss", "overfit_epoch"}
    assert OURS & set(made(val_loss=2.0).trials) == {"initial_val_loss"}


def test_an_epoch_that_was_reported_is_a_row_whatever_it_lacks() -> None:
    data = made()
    every_other = [row._replace(more={}, seconds=0.0) if row.epoch == 2 else row for row in data.epoch_rows]
    again = job_data(data.job, data.rows, every_other)
    assert again.epochs["epoch"].tolist() == [1, 3] * 2
    missing = [row._replace(more={"val_f1": None}, seconds=0.0) if row.epoch == 2 else row for row in data.epoch_rows]
    assert job_data(data.job, data.rows, missing).epochs["epoch"].tolist() == [1, 2, 3] * 2


def test_a_job_that_has_reported_nothing_has_no_metrics() -> None:
    job = make_job({"depth": [3, 6]}, objective=OBJECTIVE, training="function", model="my_training:train")
    nothing = {"train_loss": None, "train_accuracy": None, "val_loss": None, "val_accuracy": None}
    rows = [make_trial({"depth": depth}, None, state=TrialState.FAILED, **nothing) for depth in (3, 6)]
    data = job_data(job, rows, [])
    assert not set(nothing) & set(data.trials) and data.metrics == {}


def test_commands_show_them_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = [as_new(OwnConfig(training="function", model="my:train", epochs=2, hyper={}))]
    with open_store(tmp_path / "r.db") as store:
        store.put_job("own", {"training": "function", "model": "my:train", "objective": OBJECTIVE}, SOURCE, trials)
        launch = store.open_launch("own", "host", 1, 1.0, 1)
        (claim,) = claim_all(store, launch, trials)
        curve = [({}, 0.0), ({"val_f1": 0.5}, 0.1), ({"val_f1": 0.6}, 0.1)]
        epochs = [EpochMetrics(claim.lineage_id, 1, epoch, *own) for epoch, own in enumerate(curve)]
        store.record(launch, [*epochs, LineageFinished(claim.lineage_id, 1)], {})

    def run(*arguments: str) -> str:
        assert not app([*arguments, "--store", str(tmp_path / "r.db")], standalone_mode=False)
        return capsys.readouterr().out

    rows = list(csv.DictReader(run("export", "own", "--table", "epochs").splitlines()))
    assert [list(row) for row in rows] == [["trial", "epoch", "val_f1", "seconds"]] * 2
    as_json = json.loads(run("export", "own", "--table", "epochs", "--format", "json"))
    assert [(row["epoch"], row["val_f1"]) for row in as_json] == [(1, 0.5), (2, 0.6)]
    shown = json.loads(run("show", rows[0]["trial"], "--json"))
    assert not OURS & shown.keys() and [epoch["epoch"] for epoch in shown["epochs"]] == [1, 2]
    assert "learning_rate" not in shown["epochs"][0]
    text = run("show", rows[0]["trial"], "--epochs")
    assert "2 epochs reported" in text and "evaluation" not in text and "\n    0" not in text
