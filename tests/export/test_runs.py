"""Trials as runs: names that any file may have, values of one kind, a trial's own epochs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from gridsearch.config.events import EpochRecord, LineageDiverged, LineageFailed, TrialState
from gridsearch.export.runs import Run, Runs, id_in, run_name
from tests.export.stores import NAME, stored


def told(path: Path, axes: dict[str, list[Any]], **more: Any) -> tuple[Runs, list[Run]]:
    with stored(path, axes, **more) as (_, runs):
        return runs, list(runs)


def test_each_trial_has_its_own_epochs_of_a_shared_training(tmp_path: Path) -> None:
    _, runs = told(tmp_path / "a.db", {"epochs": [1, 3], "learning_rate": [0.1, 0.01]})
    assert [[step.epoch for step in run.steps] for run in runs] == [[0, 1]] * 2 + [[0, 1, 2, 3]] * 2
    assert [run.score for run in runs] == [run.steps[-1].values["val_accuracy"] for run in runs]
    for run in runs:
        times = [step.at for step in run.steps]
        assert times == sorted(times) and (run.started, run.ended) == (pytest.approx(times[0] - 1.0), times[-1])


def test_names_are_unique_readable_and_safe(tmp_path: Path) -> None:
    axes = {"act": ["../a", "..\\a", "é<b>", "=x", ""], "shape": [[1, 2], [1, -2]], "learning_rate": [0.1]}
    _, runs = told(tmp_path / "a.db", axes)
    names = [run.name for run in runs]
    assert len({name.lower() for name in names}) == 10
    for run in runs:
        assert Path(run.name).name == run.name and run.name.isascii() and not run.name.startswith((".", "-"))
        assert id_in(run.name) == run.trial[:12]
    assert names[0].startswith("act=..-a,shape=1-2-")  # an axis of one value tells nothing
    long = run_name({f"setting_{place}": "x" * 40 for place in range(9)}, "0" * 64)
    assert len(long) < 200 and id_in(long) == "0" * 12


def test_an_axis_is_of_one_kind(tmp_path: Path) -> None:
    axes = {"flip": [True, False], "dropout": [None, 0.5], "act": ["a", None], "neurons": [5, 10], "shape": [[1], [2]]}
    runs, found = told(tmp_path / "a.db", axes)
    assert {axis.name: (axis.kind, axis.values) for axis in runs.axes} == {
        "flip": (bool, (False, True)),
        "dropout": (str, ("null", "0.5")),
        "act": (str, ("a", "null")),
        "neurons": (float, (5.0, 10.0)),
        "shape": (str, ("1", "2")),
    }
    assert found[0].axes == {"flip": True, "dropout": "null", "act": "a", "neurons": 5.0, "shape": "1"}


def test_a_loss_that_was_not_finite_is_nan_and_has_no_score(tmp_path: Path) -> None:
    def train(claim: Any, place: int) -> list[Any]:
        record = EpochRecord(claim.lineage_id, claim.attempt, 0, 2.0, 0.1, 2.0, 0.1, 0.1, 1.0)
        bad = EpochRecord(claim.lineage_id, claim.attempt, 1, math.nan, 0.2, math.inf, 0.2, 0.1, 1.0)
        return [record, bad, LineageDiverged(claim.lineage_id, claim.attempt, 1)]

    _, (run,) = told(tmp_path / "a.db", {"epochs": [3]}, train=train)
    assert (run.state, run.score) == (TrialState.DIVERGED, None)
    last = run.steps[-1].values
    assert math.isnan(last["train_loss"]) and math.isnan(last["val_loss"]) and last["val_accuracy"] == 0.2


def test_trials_that_failed_before_an_epoch_are_runs_and_those_that_never_began_are_none(tmp_path: Path) -> None:
    def train(claim: Any, place: int) -> list[Any]:
        return [LineageFailed(claim.lineage_id, claim.attempt, "RuntimeError: no", "Traceback")]

    _, (run,) = told(tmp_path / "a.db", {"learning_rate": [0.1]}, train=train)
    assert (run.state, run.steps, run.score) == (TrialState.FAILED, [], None)
    assert told(tmp_path / "b.db", {"learning_rate": [0.1]}, train=None)[1] == []


def test_repeats_are_told_apart_and_share_their_point(tmp_path: Path) -> None:
    axes = {"learning_rate": [0.1, 0.01], "seed": [0, 1]}
    _, runs = told(tmp_path / "a.db", axes, repeats=2)
    assert [run.axes for run in runs] == [{"learning_rate": rate} for rate in (0.1, 0.1, 0.01, 0.01)]
    assert [run.name.rpartition("-")[0] for run in runs[:2]] == ["learning_rate=0.1,seed=0", "learning_rate=0.1,seed=1"]
    points = [run.point for run in runs]
    assert points[0] == points[1] != points[2] == points[3] and points[0].startswith("learning_rate=0.1-")
    assert NAME not in points[0]
