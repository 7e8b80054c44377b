"""Which validation images trials have right: as their own trained models say, however they were trained."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from gridsearch import paths
from gridsearch.analysis.frames import JobData, load
from gridsearch.analysis.ties import ties
from gridsearch.config.events import EpochRecord
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.store.opening import open_store
from gridsearch.training.checkpoints import CheckpointFolder
from tests.engine.launching import Notes, launch, prepared

JOB = """
name: small
dataset: digits
model: shallow
batch_size: 64
space:
  epochs: [2, 5]
  learning_rate: [0.3, 0.03]
  neurons: [10, 30]
"""
KINDS = {
    "last": "",
    "best": "objective: {metric: val_accuracy, at: best}\n",
    "restored": "early_stopping: 1\nrestore_best: true\n",
    "stopped": "early_stopping: 1\n",
    "averaged": "ema: 0.9\n",
}


def right_by_models(store_path: Path, data: JobData) -> dict[str, list[bool]]:
    """What the kept weights of each trial say of the validation images, by plain torch."""
    found = {}
    with open_store(store_path, create=False) as store:
        source = ModelSource(store, store_path, store_path.parent / "data", "cpu")
        for row in data.rows:
            model = trained(source, "small", row.trial_id)
            validation = model.context.validation
            with torch.no_grad():
                logits = torch.cat([model.logits(pixels) for pixels, _ in validation.in_order(100)])
            found[row.trial_id] = (logits.argmax(1) == validation.labels).tolist()
    return found


def unpacked(correct: bytes, images: int) -> list[bool]:
    return np.unpackbits(np.frombuffer(correct, np.uint8), count=images).astype(bool).tolist()


@pytest.mark.parametrize(
    "kind", ["last", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "last")]
)
def test_they_are_those_of_the_weights_that_a_trial_has(kind: str, tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path, text=JOB + KINDS[kind]), tmp_path / paths.STORE_NAME
    launch(job, store_path, keep=2**62)
    with open_store(store_path, create=False) as store:
        assert store.verify() == []
        data = load(store, "small", with_epochs=True)
    assert data.answers is not None
    known = data.answers(data.rows)
    by_models = right_by_models(store_path, data)
    assert {name: unpacked(correct, len(by_models[name])) for name, correct in known.items()} == by_models
    # Of no other epochs is anything kept.
    with closing(sqlite3.connect(store_path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM answers").fetchall()
    assert count <= len(data.rows) if kind != "last" else count == len(data.rows)


def test_numbers_and_ids_are_what_they_are_without_them(tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path, text=JOB), tmp_path / paths.STORE_NAME
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridsearch.training.loop.member.Member.may_be_read_at", lambda self, epoch: False)
        launch(job, store_path)
    shutil.move(store_path, tmp_path / "without.db")
    shutil.rmtree(paths.companion_dir(store_path), ignore_errors=True)
    launch(job, store_path)
    tables = []
    for path in (store_path, tmp_path / "without.db"):
        with closing(sqlite3.connect(path)) as connection:
            numbers = (
                "SELECT lineage, epoch, train_loss, train_accuracy, val_loss, val_accuracy FROM epochs ORDER BY 1, 2"
            )
            ids = "SELECT trial_id, lineage, state, val_loss, val_accuracy FROM trials ORDER BY 1"
            tables.append([connection.execute(ask).fetchall() for ask in (numbers, ids)])
    assert tables[0] == tables[1]


def test_a_store_that_was_begun_without_them_goes_on_with_them(tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path, "epochs=[2]", text=JOB), tmp_path / paths.STORE_NAME
    launch(job, store_path)
    with closing(sqlite3.connect(store_path)) as connection, connection:
        connection.execute("DELETE FROM answers")  # as an older version leaves it
    launch(prepared(tmp_path, text=JOB), store_path)
    with open_store(store_path, create=False) as store:
        assert store.verify() == []
        data = load(store, "small")
        assert data.answers is not None
        known, found = data.answers(data.rows), ties(data)
    assert known.keys() == {row.trial_id for row in data.rows if row.epochs == 5}
    assert found is not None and found.count >= 1 and 0 <= found.paired < len(known)


def test_what_a_killed_launch_had_not_reported_is_in_its_checkpoints(tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path, text=JOB), tmp_path / paths.STORE_NAME
    stop: list[bool] = []
    notes = Notes(after=8, act=lambda: stop.append(True))
    launch(job, store_path, notes=notes, stopping=lambda: bool(stop))
    checkpoints = paths.checkpoint_dir(store_path)
    histories = {}
    for folder in checkpoints.iterdir():
        checkpoint = CheckpointFolder(checkpoints, folder.name).load()
        assert checkpoint is not None
        histories[folder.name] = [one for one in checkpoint.history if isinstance(one, EpochRecord)]
    # Only the end of a trial is read, and it is no more than its record says.
    kept = {one.epoch for history in histories.values() for one in history if one.correct}
    assert kept <= {2, 5} and histories
    launch(job, store_path)
    with open_store(store_path, create=False) as store:
        assert store.verify() == []
        data = load(store, "small")
        assert data.answers is not None and len(data.answers(data.rows)) == len(data.rows)


def test_regression_keeps_none(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(120, 4)).astype(np.float32)
    np.savez(tmp_path / "lines.npz", train_images=inputs, train_labels=inputs.sum(1, keepdims=True))
    text = JOB.replace("dataset: digits", "dataset: ./lines.npz\nloss: mse\nnormalization: none").replace(
        "learning_rate: [0.3, 0.03]", "learning_rate: [0.01]"
    )
    store_path = tmp_path / paths.STORE_NAME
    launch(prepared(tmp_path, "objective={metric: val_loss, mode: min}", text=text), store_path)
    with open_store(store_path, create=False) as store:
        data = load(store, "small")
        assert data.answers is not None and data.answers(data.rows) == {}
        assert ties(data) is not None and store.verify() == []
