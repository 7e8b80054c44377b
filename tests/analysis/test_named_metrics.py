"""Tables of trainings that are not ours: whatever metrics they have are columns, and any of them ranks."""

from __future__ import annotations

import csv
import math
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridsearch.analysis.best import best
from gridsearch.analysis.frames import load
from gridsearch.analysis.groups import grouped
from gridsearch.cli.main import app
from gridsearch.config.events import EpochMetrics, LineageFinished
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from tests.store.grids import SOURCE, claim_all, grid

RATES = (0.1, 0.2, 0.3, 0.4)
#: Errors of the four trials after their first and their second epoch: by the last the third is best.
ERRORS = ((4.0, 3.0), (1e9, 2.0), (1.0, 1e-9), (0.5, math.inf))


def filled(path: Path, objective: dict[str, Any], axes: tuple[str, ...] = ("learning_rate",)) -> Store:
    trials = grid(rates=RATES, epochs=(2,))
    spec = {"axes": [{"name": name, "values": list(RATES)} for name in axes], "objective": objective}
    store = open_store(path)
    store.put_job("errors", spec, SOURCE, trials)
    launch = store.open_launch("errors", "host", 1, 1.0, 1)
    for claim, errors in zip(claim_all(store, launch, trials), ERRORS, strict=True):
        curve = [{}, *({"val_rmse": error, "neurons": -1.0 - epoch} for epoch, error in enumerate(errors))]
        reports = [EpochMetrics(claim.lineage_id, 1, epoch, own, 0.5) for epoch, own in enumerate(curve)]
        store.record(launch, [*reports, LineageFinished(claim.lineage_id, 1)], {})
    return store


@pytest.mark.parametrize(("at", "order"), [("last", [2, 1, 0]), ("best", [2, 3, 1, 0])])
def test_any_metric_ranks(tmp_path: Path, at: str, order: list[int]) -> None:
    with filled(tmp_path / "r.db", {"metric": "val_rmse", "at": at, "mode": "min"}) as store:
        data = load(store, "errors")
        ids = [row.trial_id for row in data.rows]
        assert [place.row.trial_id for place in best(store, "errors")] == [ids[place] for place in order]
        assert best(store, "errors", 1)[0].score == pytest.approx(1e-9)
        ranked = data.trials.sort_values("score")["trial"].tolist()
        assert ranked[: len(order)] == [ids[place] for place in order]


def test_every_metric_is_a_column_and_settings_keep_theirs(tmp_path: Path) -> None:
    with filled(tmp_path / "r.db", {"metric": "val_rmse", "mode": "min"}) as store:
        data = load(store, "errors", with_epochs=True)
    frame = data.trials
    assert data.metrics == {"neurons": "metric_neurons", "val_rmse": "val_rmse"}
    assert "val_loss" not in frame
    assert frame["neurons"].tolist() == [10] * 4 and frame["metric_neurons"].tolist() == [-2.0] * 4
    pd.testing.assert_series_equal(
        frame["val_rmse"], pd.Series([3.0, 2.0, 1e-9, None], dtype="float64"), check_names=False
    )
    assert list(data.epochs.columns) == ["trial", "epoch", "neurons", "val_rmse", "learning_rate", "seconds"]
    assert data.epochs["val_rmse"].isna().tolist() == [True, False, False] * 3 + [True, False, True]
    assert grouped(data).trials["val_rmse"].tolist()[:3] == [3.0, 2.0, 1e-9]


def test_commands_show_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "r.db", {"metric": "val_rmse", "mode": "min"}).close()
    at = ["--store", str(tmp_path / "r.db")]

    def run(*arguments: str) -> str:
        assert not app([*arguments, *at], standalone_mode=False)
        return capsys.readouterr().out

    table = run("top", "errors")
    assert "val_rmse" in table and "1.00000e-09" in table and "val_accuracy" not in table
    rows = list(csv.DictReader(run("export", "errors", "--table", "epochs").splitlines()))
    assert [row["val_rmse"] for row in rows[:3]] == ["", "4.0", "3.0"] and rows[0]["learning_rate"] == ""
    trials = list(csv.DictReader(run("export", "errors", "--filter", "val_rmse < 2.5").splitlines()))
    assert [float(row["val_rmse"]) for row in trials] == [2.0, 1e-9]
    shown = run("show", trials[1]["trial"])
    assert "val_rmse         1.00000e-09" in shown and "val_loss" not in shown
    run("verify")


@pytest.mark.parametrize("name", ["error", "parameters", "over", "score_std", "ms_per_step", "diverged_epoch"])
def test_a_metric_that_is_called_as_a_column_has_one_of_its_own(tmp_path: Path, name: str) -> None:
    trials = grid(rates=(0.1, 0.2), epochs=(1,))
    with open_store(tmp_path / "r.db") as store:
        store.put_job("odd", {"objective": {"metric": name, "mode": "min"}}, SOURCE, trials)
        launch = store.open_launch("odd", "host", 1, 1.0, 1)
        for place, claim in enumerate(claim_all(store, launch, trials)):
            reports = [EpochMetrics(claim.lineage_id, 1, epoch, {name: 5.0 - place}, 0.5) for epoch in (0, 1)]
            store.record(launch, [*reports, LineageFinished(claim.lineage_id, 1)], {})
        data = load(store, "odd", with_epochs=True)
        assert [place.score for place in best(store, "odd")] == [4.0, 5.0]
    assert data.trials[f"metric_{name}"].tolist() == [5.0, 4.0] == data.trials["score"].tolist()
    assert grouped(data).trials[f"metric_{name}"].tolist() == [5.0, 4.0]
    assert pickle.loads(pickle.dumps(data)).trials.equals(data.trials)  # noqa: S301
