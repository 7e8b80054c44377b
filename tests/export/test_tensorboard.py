"""What TensorBoard itself, its HParams tab included, reads from the folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context

from gridsearch.config.events import EpochRecord, LineageFailed
from gridsearch.errors import GridsearchError
from gridsearch.export.tensorboard import write_tensorboard
from gridsearch.store.opening import open_store
from tests.export.stores import NAME, finished, put, runs_of, stored, train_in

AXES = {"epochs": [1, 3], "learning_rate": [0.1, 0.01], "act": ["relu", None], "flip": [True, False]}


def scalars(folder: Path, run: str) -> dict[str, list[tuple[int, float]]]:
    accumulator = read(folder).GetAccumulator(run)
    return {
        tag: [(event.step, event.tensor_proto.float_val[0]) for event in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
        if not tag.startswith("_hparams_")
    }


def read(folder: Path) -> EventMultiplexer:
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    return multiplexer


def hparams(folder: Path) -> tuple[Any, Any]:
    """The experiment and its sessions as the HParams tab asks for them."""
    provider = MultiplexerDataProvider(read(folder), str(folder))
    backend, context = Context(TBContext(data_provider=provider)), RequestContext()
    asked = api_pb2.GetExperimentRequest(include_metrics=True)
    experiment = get_experiment.Handler(context, backend, "", asked).run()
    request = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=[0, 1, 2, 3],
        slice_size=1000,
        include_metrics=True,
        col_params=[api_pb2.ColParams(hparam=info.name) for info in experiment.hparam_infos],
    )
    groups = list_session_groups.Handler(context, backend, "", request).run()
    json_format.MessageToJson(groups)  # as the page gets it
    return experiment, groups.session_groups


def test_each_trial_is_a_run_with_its_own_epochs(tmp_path: Path) -> None:
    with stored(tmp_path / "a.db", AXES) as (_, runs):
        done = write_tensorboard(NAME, runs, tmp_path / "tb")
        expected = {run.name: run for run in runs}
    assert (done.written, done.kept, done.others) == (16, 0, 0)
    assert set(read(tmp_path / "tb").Runs()) == {".", *expected}
    for name in list(expected)[::5]:
        found, run = scalars(tmp_path / "tb", name), expected[name]
        assert found.keys() == {*("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "score")}
        assert [step for step, _ in found["val_loss"]] == [step.epoch for step in run.steps]
        told = [value for _, value in found["val_accuracy"]]
        assert told == pytest.approx([step.values["val_accuracy"] for step in run.steps])
        assert found["score"] == [(run.steps[-1].epoch, pytest.approx(run.score))]


def test_the_hparams_tab_shows_axes_and_scores(tmp_path: Path) -> None:
    with stored(tmp_path / "a.db", AXES) as (_, runs):
        write_tensorboard(NAME, runs, tmp_path / "tb")
        scores = {run.name: run.score for run in runs}
    experiment, groups = hparams(tmp_path / "tb")
    kinds = {
        info.name: (info.type, json_format.MessageToDict(info.domain_discrete)) for info in experiment.hparam_infos
    }
    assert kinds == {
        "epochs": (api_pb2.DATA_TYPE_FLOAT64, [1, 3]),
        "learning_rate": (api_pb2.DATA_TYPE_FLOAT64, [0.01, 0.1]),
        "act": (api_pb2.DATA_TYPE_STRING, ["relu", "null"]),
        "flip": (api_pb2.DATA_TYPE_BOOL, [False, True]),
    }
    assert experiment.metric_infos[0].name.tag == "score"
    assert {group.name for group in groups} == set(scores)
    for group in groups:
        assert group.hparams.keys() == AXES.keys()
        found = {one.name.tag: one.value for one in group.metric_values}
        assert found["score"] == pytest.approx(scores[group.name])


def test_repeats_are_one_row_with_their_mean(tmp_path: Path) -> None:
    with stored(tmp_path / "a.db", {"learning_rate": [0.1, 0.01], "seed": [0, 1]}, repeats=2) as (_, runs):
        write_tensorboard(NAME, runs, tmp_path / "tb")
        scores = [run.score or 0.0 for run in runs]
    _, groups = hparams(tmp_path / "tb")
    assert [len(group.sessions) for group in groups] == [2, 2]
    means = sorted(group.metric_values[0].value for group in groups)
    assert means == pytest.approx(sorted([sum(scores[:2]) / 2, sum(scores[2:]) / 2]))


def test_failed_and_diverged_trials_are_failures_there(tmp_path: Path) -> None:
    def train(claim: Any, place: int) -> list[Any]:
        if place == 0:
            return [LineageFailed(claim.lineage_id, claim.attempt, "RuntimeError: no", "Traceback")]
        first = EpochRecord(claim.lineage_id, claim.attempt, 0, 2.0, 0.1, 2.0, 0.1, 0.1, 1.0)
        return [first, EpochRecord(claim.lineage_id, claim.attempt, 1, math.nan, 0.2, math.nan, 0.2, 0.1, 1.0)]

    with stored(tmp_path / "a.db", {"learning_rate": [0.1, 1e20]}, train=train) as (_, runs):
        write_tensorboard(NAME, runs, tmp_path / "tb")
        names = [run.name for run in runs]
    _, groups = hparams(tmp_path / "tb")
    assert [group.sessions[0].status for group in groups] == [api_pb2.STATUS_FAILURE] * 2
    assert scalars(tmp_path / "tb", names[0]) == {}
    assert math.isnan(scalars(tmp_path / "tb", names[1])["val_loss"][-1][1])


def test_again_adds_what_is_new_and_doubles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "tb"
    with open_store(tmp_path / "a.db") as store:
        put(store, {"epochs": [1, 2], "learning_rate": [0.1]})
        train_in(store, finished)
        write_tensorboard(NAME, runs_of(store), folder)
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("events*")}
        assert write_tensorboard(NAME, runs_of(store), folder).written == 0
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("events*")} == before
        # Another value of an axis that had only one: all runs have other names now.
        put(store, {"epochs": [1, 2], "learning_rate": [0.1, 0.01]})
        train_in(store, finished)
        done = write_tensorboard(NAME, runs_of(store), folder)
        assert (done.written, done.kept, done.others) == (2, 2, 0)
        assert {path.name for path in folder.iterdir() if path.is_dir()} == {run.name for run in runs_of(store)}
        put(store, {"epochs": [1], "learning_rate": [0.1]})
        assert write_tensorboard(NAME, runs_of(store), folder).others == 3
    assert len(list(folder.rglob("events*"))) == 5
    for run in read(folder).Runs():
        steps = [step for step, _ in scalars(folder, run).get("val_loss", [])]
        assert steps == sorted(set(steps))
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("what", ["a file", "other files", "another job", "a broken mark"])
def test_a_folder_of_something_else_is_refused_and_stays_as_it_is(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "tb"
    if what == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        name = "events.out.tfevents.1.host" if what == "other files" else "gridsearch.json"
        (folder / name).write_text(json.dumps({"job": "other"}) if what == "another job" else "[]")
    with (
        stored(tmp_path / "a.db", {"learning_rate": [0.1]}) as (_, runs),
        pytest.raises(
            GridsearchError, match="is a file|holds files that no export|holds the runs of job 'other'"
        ) as told,
    ):
        write_tensorboard(NAME, runs, folder)
    assert "\n" not in str(told.value) and str(folder) in str(told.value)
    assert folder.is_file() or len(list(folder.iterdir())) == 1


def test_what_is_too_large_for_single_precision(tmp_path: Path) -> None:
    def train(claim: Any, place: int) -> list[Any]:
        return [EpochRecord(claim.lineage_id, claim.attempt, n, 1e300, 0.1, -1e39, 0.1, 0.1, 1.0) for n in range(2)]

    with stored(tmp_path / "a.db", {"epochs": [1]}, train=train) as (_, runs):
        write_tensorboard(NAME, runs, tmp_path / "tb")
        (name,) = (run.name for run in runs)
    found = scalars(tmp_path / "tb", name)
    assert found["train_loss"][0][1] == math.inf and found["val_loss"][0][1] == -math.inf
