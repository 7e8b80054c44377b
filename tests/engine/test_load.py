"""From a trial in the store to its trained model, whatever is left of its weights."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from gridsearch import paths
from gridsearch.config.events import EVERY_TRIAL, EpochRecord, LineageEvent, LineagePlaced
from gridsearch.engine.executors import inline
from gridsearch.engine.trained import retraining
from gridsearch.engine.trained.load import ModelSource, TrainedTrial, trained
from gridsearch.errors import EngineError, GridsearchError
from gridsearch.models.dense import Shallow
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Recorded
from gridsearch.training.stacking import autotune
from tests.engine.launching import Notes, launch, prepared


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dense models are trained concatenated, whatever a machine that is busy with other things measures."""
    monkeypatch.setattr(autotune, "STEPS_WORTH_A_PROBE", 10**9)


def of(folder: Path, trial: str, notes: list[str] | None = None) -> TrainedTrial:
    with open_store(folder / "r.db", create=False, read_only=True) as store:
        said = notes if notes is not None else []
        source = ModelSource(store, folder / "r.db", folder / "data", "cpu", note=said.append)
        return trained(source, "small", trial)


def best(folder: Path) -> tuple[str, float, float]:
    with open_store(folder / "r.db", create=False) as store:
        row = store.ranking("small", "val_accuracy", 1, highest=True)[0]
    assert row.val_loss is not None and row.val_accuracy is not None
    return row.trial_id, row.val_loss, row.val_accuracy


def assert_is(found: TrainedTrial, loss: float, accuracy: float) -> None:
    """It has the validation loss and accuracy that the store says."""
    assert not found.model.training
    with torch.no_grad():
        logits = torch.cat([found.logits(images) for images, _ in found.context.validation.in_order(64)])
    labels = found.context.validation.labels
    assert functional.cross_entropy(logits, labels).item() == pytest.approx(loss, rel=1e-4)
    assert (logits.argmax(1) == labels).float().mean().item() == pytest.approx(accuracy, abs=5e-3)


def without_weights(folder: Path) -> None:
    shutil.rmtree(folder / "weights")


def without_anything(folder: Path) -> None:
    shutil.rmtree(folder / "weights")
    shutil.rmtree(paths.checkpoint_dir(folder / "r.db"))


def with_damaged_weights(folder: Path) -> None:
    for file in (folder / "weights").glob("*.pt"):
        file.write_bytes(file.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize(
    ("spoil", "retrained"),
    [(lambda folder: None, 0), (without_weights, 0), (with_damaged_weights, 0), (without_anything, 1)],
)
def test_the_best_trial_s_model_has_the_numbers_of_the_store(
    tmp_path: Path, spoil: Callable[[Path], None], retrained: int
) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    trial, loss, accuracy = best(tmp_path)
    spoil(tmp_path)
    notes: list[str] = []
    threads, random = torch.get_num_threads(), torch.get_rng_state()
    assert_is(of(tmp_path, trial[:10], notes), loss, accuracy)
    assert len(notes) == retrained
    assert (torch.get_num_threads(), torch.equal(torch.get_rng_state(), random)) == (threads, True)
    assert_is(of(tmp_path, trial, notes), loss, accuracy)
    assert len(notes) == retrained


def test_an_earlier_reading_of_a_training_is_trained_again_to_its_own_epoch(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        row = next(row for row in store.trials("small") if row.epochs == 1)
    notes: list[str] = []
    found = of(tmp_path, row.trial_id, notes)
    assert row.val_loss is not None and row.val_accuracy is not None
    assert_is(found, row.val_loss, row.val_accuracy)
    assert (found.epoch, len(notes)) == (1, 1)


def test_kept_weights_are_plain_torch_s_and_say_what_they_belong_to(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    trial, loss, accuracy = best(tmp_path)
    (file,) = (tmp_path / "weights").glob("*.pt")
    assert trial.startswith(file.stem)
    model = Shallow(in_features=64, num_classes=10, neurons=10)
    model.load_state_dict(torch.load(file, weights_only=True))
    found = of(tmp_path, trial)
    images = found.test().images
    assert torch.equal(model.eval()(images), found.model(images))
    said = json.loads(file.with_suffix(".json").read_text())
    assert (said["trial"], said["model"], said["hyper"]["neurons"]) == (trial, "shallow", 10)
    assert (said["image_shape"], said["classes"], said["class_names"]) == ([1, 8, 8], 10, [str(i) for i in range(10)])
    assert (said["metrics"]["val_loss"], said["metrics"]["val_accuracy"]) == (loss, accuracy)
    assert (said["parameters"], said["dataset"], said["epoch"]) == (64 * 10 + 10 + 100 + 10, "digits", 3)
    assert said["preprocessing"]["normalization"] == "scale"


def test_a_trial_without_a_result_has_no_model(tmp_path: Path) -> None:
    launch(prepared(tmp_path, "learning_rate=[0.1,1e30]"), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        diverged = next(row.trial_id for row in store.trials("small") if row.state == "diverged")
    with pytest.raises(EngineError, match="diverged"):
        of(tmp_path, diverged)
    with pytest.raises(GridsearchError, match="no trial"):
        of(tmp_path, "zzz")


def told_of(found: TrainedTrial) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(found.weights_file.with_suffix(".json").read_text())
    return told


@pytest.mark.parametrize("after", [None, 3, 9])
def test_what_was_trained_in_a_pack_is_trained_again_beside_the_same_shapes(
    tmp_path: Path, after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)
    # Rates at which float noise grows, so that other neighbours would give other weights.
    rates = "learning_rate=[2.0,0.1,0.01,0.001]"
    job = prepared(tmp_path, rates, "batch_size=[64]", "momentum=0.9", "epochs=[2,5]")
    stop: list[bool] = []
    if after is not None:
        notes = Notes(after, lambda: stop.append(True))
        launch(job, tmp_path / "r.db", notes=notes, stopping=lambda: bool(stop))
    launch(job, tmp_path / "r.db", keep=EVERY_TRIAL)
    with open_store(tmp_path / "r.db", create=False) as store:
        rows = store.trials("small")
        assert store.verify() == []
        assert len(store.trainings(rows[0].lineage_id)) == (1 if after is None else 2)
    kept = {row.trial_id: torch.load(of(tmp_path, row.trial_id).weights_file, weights_only=True) for row in rows}
    without_anything(tmp_path)
    for row in rows[::3]:
        said: list[str] = []
        found = of(tmp_path, row.trial_id, said)
        assert len(said) == 1 and "as one of 4 (concatenated)" in said[0]
        own = found.model.state_dict()
        assert all(torch.equal(own[name], weights) for name, weights in kept[row.trial_id].items())
        told = told_of(found)
        assert told["origin"] == "trained again, as one of 4 (concatenated)"
        assert told["validation"]["val_accuracy"] == row.val_accuracy == told["metrics"]["val_accuracy"]


def test_the_store_knows_who_is_in_a_pack_before_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 1e9)
    batches: list[list[LineageEvent]] = []

    class Kept(Notes):
        def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
            batches.append(list(events))

    launch(prepared(tmp_path), tmp_path / "r.db", notes=Kept())
    known: set[str] = set()
    for batch in batches:
        assert {event.lineage_id for event in batch if isinstance(event, EpochRecord)} <= known
        known |= {event.lineage_id for event in batch if isinstance(event, LineagePlaced)}
    assert len(known) == 4


def test_weights_that_are_not_the_recorded_ones_are_told_of_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ("learning_rate=[0.3,0.1]", "batch_size=[8]", "momentum=0.9", "epochs=[8]", "neurons=[50]")
    launch(prepared(tmp_path, *changes), tmp_path / "r.db", keep=EVERY_TRIAL)
    with open_store(tmp_path / "r.db", create=False) as store:
        row = store.trials("small")[1]
    kept = of(tmp_path, row.trial_id)
    assert told_of(kept)["origin"] == "kept when it was trained"
    assert told_of(kept)["validation"] == {"val_loss": row.val_loss, "val_accuracy": row.val_accuracy}
    without_anything(tmp_path)
    # Another machine adds up in another order; a training that oscillates makes much of that.
    monkeypatch.setattr(retraining, "device_kind", lambda device: "another processor")
    notes: list[str] = []
    found = of(tmp_path, row.trial_id, notes)
    assert "alone, as the machine or torch is another than when it was as one of 2 (concatenated)" in notes[0]
    told = told_of(found)
    assert re.search(r"\(concatenated\); its curve left the recorded one at epoch [1-8]$", told["origin"])
    images = found.context.validation
    logits = found.logits(images.normalized(images.images))
    accuracy = (logits.argmax(1) == images.labels).double().mean().item()
    assert told["validation"]["val_accuracy"] == pytest.approx(accuracy)
    assert told["validation"]["val_loss"] == pytest.approx(functional.cross_entropy(logits, images.labels).item())
    assert told["metrics"]["val_loss"] == row.val_loss != told["validation"]["val_loss"]
    assert "its weights differ from the recorded ones" in notes[1]
    of(tmp_path, row.trial_id, notes)
    assert notes[2:] == [notes[1]]


def test_weights_of_unknown_origin_are_measured_and_told_of(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    trial, _, _ = best(tmp_path)
    file = of(tmp_path, trial).weights_file
    beside = file.with_suffix(".json")
    told = json.loads(beside.read_text())
    del told["validation"], told["origin"]  # as files were written before
    beside.write_text(json.dumps(told))
    notes: list[str] = []
    of(tmp_path, trial, notes)
    assert notes == []
    weights = torch.load(file, weights_only=True)
    torch.save({name: tensor * 0.5 for name, tensor in weights.items()}, file)
    told["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    beside.write_text(json.dumps(told))
    of(tmp_path, trial, notes)
    assert len(notes) == 1 and "differ from the recorded ones" in notes[0]


RECIPES = [
    ["normalization=channel"],
    ["normalization=image", "precision=mixed"],
    ["precision=float64", "normalization=channel"],
    ["early_stopping=1", "epochs=[4,8]", "learning_rate=[0.1,1.5]"],
    ["early_stopping=2", "restore_best=true", "epochs=[4,8]", "learning_rate=[0.1,1.5]"],
    ["split.folds=2"],
    ["repeats=2"],
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_every_trial_s_model_is_the_one_its_numbers_are_of(tmp_path: Path, recipe: list[str]) -> None:
    launch(prepared(tmp_path, "batch_size=64", *recipe), tmp_path / "r.db", keep=EVERY_TRIAL)
    notes: list[str] = []
    with open_store(tmp_path / "r.db", create=False) as store:
        rows = store.trials("small")
        scored = [row for row in rows if row.state in ("completed", "stopped")]
    for row in scored:
        assert row.val_loss is not None and row.val_accuracy is not None
        assert_is(of(tmp_path, row.trial_id, notes), row.val_loss, row.val_accuracy)
    assert scored and notes == []
    states = {row.state for row in rows}
    assert (states == {"stopped", "completed"}) is recipe[0].startswith("early_stopping")


def test_the_normalisation_by_channel_stands_beside_the_weights(tmp_path: Path) -> None:
    launch(prepared(tmp_path, "normalization=channel"), tmp_path / "r.db")
    trial, _, _ = best(tmp_path)
    found = of(tmp_path, trial)
    said = json.loads(found.weights_file.with_suffix(".json").read_text())["preprocessing"]
    pixels = found.context.train.images
    assert said["mean"] == pytest.approx([pixels.mean().item()]) and said["std"] == pytest.approx(
        [pixels.std(correction=0).item()]
    )
