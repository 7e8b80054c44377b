"""What MLflow's own client reads back, from a database and from a folder."""

from __future__ import annotations

import math
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridsearch.config.events import EpochRecord, LineageFailed, TrialState
from gridsearch.errors import GridsearchError
from gridsearch.export import mlflow_tracking
from gridsearch.export.addresses import shown_uri
from gridsearch.export.mlflow_places import require_place
from gridsearch.export.mlflow_tracking import check_mlflow, log_runs
from gridsearch.export.tensorboard import check_tensorboard
from gridsearch.network import answering
from gridsearch.store.opening import open_store
from tests.export.stores import NAME, finished, put, runs_of, stored, train_in

#: Of MLflow with its libraries, when a test reads back.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        if name.startswith("MLFLOW_"):
            del os.environ[name]


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.slow), "file"])
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # the database names a folder for files here
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return f"sqlite:///{tmp_path / 'mlflow.db'}" if request.param == "sqlite" else f"file:{tmp_path / 'mlruns'}"


def client_of(uri: str) -> Any:
    """MLflow's client: imported here, as each of pytest's processes imports every file of tests."""
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)


def logged(uri: str) -> dict[str, Any]:
    """The runs in the job's experiment, by their trials."""
    client = client_of(uri)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    runs = {run.data.tags["gridsearch.trial"]: run for run in found}
    assert len(runs) == len(found)
    return runs


def history(uri: str, run: Any, metric: str) -> list[tuple[int, int, float]]:
    found = client_of(uri).get_metric_history(run.info.run_id, metric)
    return sorted((one.step, one.timestamp, one.value) for one in found)


def test_runs_arrive_once_and_grow(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_tracking, "_METRICS_AT_ONCE", 7)
    monkeypatch.setattr(mlflow_tracking, "_OTHERS_AT_ONCE", 2)
    monkeypatch.setattr(mlflow_tracking, "_RUNS_AT_ONCE", 2)
    axes = {"learning_rate": [0.1, 0.01], "act": ["relu", None], "flip": [True]}

    def interrupted(claim: Any, place: int) -> list[Any]:
        return list(finished(claim, place))[:2] if place == 1 else list(finished(claim, place))

    with open_store(tmp_path / "a.db") as store:
        put(store, axes)
        train_in(store, interrupted)
        assert log_runs(NAME, runs_of(store), uri) == (4, 0)
        assert sorted(run.info.status for run in logged(uri).values()) == ["FINISHED"] * 3 + ["RUNNING"]
        assert log_runs(NAME, runs_of(store), uri) == (0, 4)
        train_in(store, finished)
        assert log_runs(NAME, runs_of(store), uri) == (1, 3)
        assert log_runs(NAME, runs_of(store), uri) == (0, 4)
        expected = {run.trial: run for run in runs_of(store)}
    found = logged(uri)
    assert found.keys() == expected.keys()
    for trial, told in expected.items():
        run = found[trial]
        assert (run.info.status, run.info.run_name) == ("FINISHED", told.name)
        assert run.info.end_time == int(told.ended * 1000)
        assert run.data.params["act"] in ("relu", "null") and run.data.params["flip"] == "true"
        assert run.data.params["batch_size"] == "8"
        assert run.data.metrics["score"] == told.score
        for metric in ("val_loss", "learning_rate"):
            there = history(uri, run, metric)
            assert [(step, value) for step, _, value in there] == [
                (step.epoch, step.values[metric]) for step in told.steps
            ]
            # When the first epochs of one that was not done ended, was an estimate.
            assert there[-1][1] == int(told.ended * 1000)


def test_what_failed_and_what_diverged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = f"file:{tmp_path / 'mlruns'}"

    def train(claim: Any, place: int) -> list[Any]:
        if place == 0:
            return [LineageFailed(claim.lineage_id, claim.attempt, "RuntimeError: no", "Traceback")]
        first = EpochRecord(claim.lineage_id, claim.attempt, 0, 2.0, 0.1, 2.0, 0.1, 0.1, 1.0)
        return [first, EpochRecord(claim.lineage_id, claim.attempt, 1, math.nan, 0.2, math.nan, 0.2, 0.1, 1.0)]

    axes = {"learning_rate": [0.1, 1e20], "seed": [0, 1]}
    with stored(tmp_path / "a.db", axes, train=train, repeats=2) as (store, runs):
        log_runs(NAME, runs, uri)
        failed = next(row.trial_id for row in store.trials(NAME) if row.state == TrialState.FAILED)
        diverged = next(row.trial_id for row in store.trials(NAME) if row.state == TrialState.DIVERGED)
        assert {run.info.status for run in logged(uri).values()} == {"FAILED"}
        assert logged(uri)[failed].data.metrics == {}
        assert [math.isnan(value) for _, _, value in history(uri, logged(uri)[diverged], "val_loss")] == [False, True]
        assert len({run.data.tags["gridsearch.point"] for run in logged(uri).values()}) == 2
        store.reopen(NAME, [TrialState.FAILED])
        train_in(store, finished)
        assert log_runs(NAME, runs_of(store), uri) == (1, 3)
    assert logged(uri)[failed].info.status == "FINISHED" and "score" in logged(uri)[failed].data.metrics


def test_an_experiment_that_was_deleted_is_said(tmp_path: Path) -> None:
    uri = f"file:{tmp_path / 'mlruns'}"
    with stored(tmp_path / "a.db", {"learning_rate": [0.1]}) as (_, runs):
        log_runs(NAME, runs, uri)
        client = client_of(uri)
        experiment = client.get_experiment_by_name(NAME)
        assert experiment is not None
        client.delete_experiment(experiment.experiment_id)
        with pytest.raises(GridsearchError, match="was deleted"):
            log_runs(NAME, runs, uri)


def test_who_is_not_there_is_said_in_a_line_without_the_password(tmp_path: Path) -> None:
    with stored(tmp_path / "a.db", {"learning_rate": [0.1]}) as (_, runs):
        with pytest.raises(GridsearchError) as told:
            log_runs(NAME, runs, "http://me:secret@127.0.0.1:9")
        assert (
            str(told.value)
            == "--mlflow http://127.0.0.1:9: the server cannot be reached ([Errno 111] Connection refused)"
        )
        with pytest.raises(GridsearchError, match="psycopg") as told:
            log_runs(NAME, runs, "postgresql://me:secret@127.0.0.1:9/x")
    assert "secret" not in str(told.value) and "\n" not in str(told.value)


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.db").write_text("no database, and as long as the head of one: " + "x" * 100)
    Path("dir").mkdir()
    for uri, told in {
        "sqlite:////proc/z.db": "nothing can be made in /proc",
        "sqlite:///text.db/z.db": "text.db is a file, not a folder",
        "sqlite:///text.db": "text.db cannot be read as a database (file is not a database); name another file",
        "sqlite:///dir": "dir is a folder",
        "sqlite+pysqlite:////proc/z.db?timeout=3": "nothing can be made in /proc",
        "sqlite://": "names no file",
        "file:./text.db": "text.db is a file, not a folder",
        "file:///proc/x": "nothing can be made in /proc",
        "http://127.0.0.1:9": "the server cannot be reached ([Errno 111] Connection refused); check the address",
        "http://127.0.0.1:99999": "check the address",
        "mysql://me:secret@127.0.0.1:9/x": "the server cannot be reached",
    }.items():
        with pytest.raises(GridsearchError) as refused:
            require_place(uri)
        assert told in str(refused.value) and "secret" not in str(refused.value), uri
    for uri in ("sqlite:///new/runs.db", "file:./mlruns", "file:mlruns", "databricks"):
        require_place(uri)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dir", "text.db"]
    with sqlite3.connect("runs.db") as made:
        made.execute("create table a (b)")
    require_place("sqlite:///runs.db")


def test_a_server_that_is_silent_costs_no_more_than_its_patience() -> None:
    """A port that listens and takes no connection: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        begun = time.monotonic()
        with pytest.raises(OSError, match="^no answer within 0.3 s$"):
            answering(*full.getsockname(), 0.3)
        assert time.monotonic() - begun < 5
        for one in waiting:
            one.close()


@pytest.mark.parametrize("uri", ["mlruns", "", "ftp://host/x", " sqlite:///a.db", "localhost:5000"])
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(GridsearchError, match="is no tracking URI, such as sqlite"):
        check_mlflow(uri)


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(GridsearchError, match=r"pip install 'gridsearch\[mlflow\]'"):
        check_mlflow("sqlite:///a.db")
    with pytest.raises(GridsearchError, match="pip install tensorboardX"):
        check_tensorboard()


def test_a_uri_is_shown_without_secrets() -> None:
    assert shown_uri("sqlite:///mlflow.db") == "sqlite:///mlflow.db"
    assert shown_uri("mysql+pymysql://me:secret@db/x?ssl_key=y") == "mysql+pymysql://db/x"
