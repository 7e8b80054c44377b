"""Trained trials on the test images."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss

from gridsearch.analysis.best import best
from gridsearch.config.trial import Split
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import apply_split
from gridsearch.engine.trained import evaluation
from gridsearch.engine.trained.evaluation import Found, Wanted, device_name, evaluate
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import DataError
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evaluation, "IMAGES", 30)
    launch(prepared(tmp_path), tmp_path / "r.db")
    return tmp_path / "r.db"


def look(store_path: Path, wanted: Wanted, notes: list[str] | None = None, job: str = "small") -> Found:
    said = notes if notes is not None else []
    with open_store(store_path, create=False) as store:
        source = ModelSource(store, store_path, store_path.parent / "data", "cpu", threads=1, note=said.append)
        found = evaluate(source, job, best(store, job, 1)[0].row.trial_id, wanted)
        assert store.verify() == []
    return found


def test_the_numbers_are_those_that_scikit_learn_finds(store_path: Path) -> None:
    found = look(store_path, Wanted(latency=False))
    made = found.evaluation
    assert made is not None and found.fresh and found.latencies == []
    with open_store(store_path, create=False) as store:
        model = trained(ModelSource(store, store_path, store_path.parent, "cpu"), "small", found.row.trial_id).model
    split = apply_split(load_digits(), Split(test=0.1), 0)
    with torch.no_grad():
        logits = model(torch.from_numpy(split.test_images)[:, None] / 255)
    labels, guesses = split.test_labels, logits.argmax(1).numpy()
    assert made.accuracy == accuracy_score(labels, guesses)
    assert made.confusion == tuple(map(tuple, confusion_matrix(labels, guesses, labels=range(10)).tolist()))
    right = np.unpackbits(np.frombuffer(made.correct, np.uint8), count=len(labels))
    assert right.tolist() == (np.asarray(labels) == np.asarray(guesses)).tolist()
    assert made.loss == pytest.approx(log_loss(labels, logits.double().softmax(1).numpy()), rel=1e-5)
    assert (made.images, made.epoch, made.class_names) == (180, 3, tuple(map(str, range(10))))
    assert found.val_accuracy == found.row.val_accuracy


def test_a_trial_is_measured_once_unless_asked_again(store_path: Path) -> None:
    first = look(store_path, Wanted())
    notes: list[str] = []
    second = look(store_path, Wanted(), notes)
    assert (first.fresh, second.fresh, notes) == (True, False, [])
    assert (second.evaluation, second.latencies) == (first.evaluation, first.latencies)
    again = look(store_path, Wanted(again=True), notes)
    assert again.fresh and again.evaluation == first.evaluation and notes == []
    assert all(new.at > old.at for new, old in zip(again.latencies, first.latencies, strict=True))


def test_what_was_recorded_stays_when_a_second_look_says_otherwise(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look(store_path, Wanted(latency=False))
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    real = evaluation.trained

    def changed(source: ModelSource, job: str, trial: str) -> object:
        found = real(source, job, trial)
        object.__setattr__(found, "model", other)
        return found

    monkeypatch.setattr(evaluation, "trained", changed)
    notes: list[str] = []
    assert look(store_path, Wanted(latency=False, again=True), notes).evaluation == first.evaluation
    assert len(notes) == 1 and "is kept" in notes[0]


def test_two_at_once_record_one_evaluation(store_path: Path) -> None:
    found: list[Found] = []
    both = threading.Barrier(2)
    real = evaluation.on_test_images

    def together(model: evaluation.TrainedTrial) -> evaluation.Evaluation:
        made = real(model)
        both.wait(60)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "on_test_images", together)
        threads = [
            threading.Thread(target=lambda: found.append(look(store_path, Wanted(latency=False)))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    one, other = found
    assert one.evaluation == other.evaluation and one.evaluation is not None
    with open_store(store_path, create=False) as store:
        assert len(store.evaluations()) == 1
        assert [event.kind for event in store.events()].count("evaluated") == 1


def test_latencies_name_device_batches_and_images(store_path: Path) -> None:
    found = look(store_path, Wanted(test=False))
    assert found.evaluation is None
    with_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    name = device_name(torch.device("cpu"))
    torch.set_num_threads(with_threads)
    assert name.endswith(", 1 thread") and len(name) > len(", 1 thread")
    assert [(one.batch_size, one.images, one.repeats) for one in found.latencies] == [(1, 30, 5), (100, 30, 5)]
    assert {one.device for one in found.latencies} == {device_name(torch.device("cpu"))}
    assert all(one.seconds > 0 for one in found.latencies)


def test_without_test_images_only_latency_can_be_measured(tmp_path: Path) -> None:
    text = "name: small\ndataset: digits\nmodel: perceptron\nbatch_size: 64\nepochs: 1\nlearning_rate: 0.1\n"
    launch(prepared(tmp_path, text=text), tmp_path / "r.db")
    with pytest.raises(DataError, match="'small' has no test images.*test: 0.1"):
        look(tmp_path / "r.db", Wanted())
    assert len(look(tmp_path / "r.db", Wanted(test=False)).latencies) == 2


def test_at_its_best_epoch_a_trial_is_measured_with_the_weights_of_that(tmp_path: Path) -> None:
    early = "objective={metric: val_accuracy, at: best, mode: min}"
    launch(prepared(tmp_path, early, "learning_rate=0.1"), tmp_path / "r.db")
    found = look(tmp_path / "r.db", Wanted(latency=False))
    assert found.evaluation is not None and found.evaluation.epoch == 1
    assert found.val_accuracy is not None and found.val_accuracy < 0.6


def test_images_are_read_as_the_job_says(tmp_path: Path) -> None:
    small = ("image_size=[6,9]", "resize=stretch", "epochs=1", "batch_size=64", "learning_rate=0.1")
    launch(prepared(tmp_path, *small), tmp_path / "r.db")
    made = look(tmp_path / "r.db", Wanted(latency=False)).evaluation
    assert made is not None and made.images == 180
    with open_store(tmp_path / "r.db", create=False) as store:
        row = store.trials("small")[0]
        model = trained(ModelSource(store, tmp_path / "r.db", tmp_path, "cpu"), "small", row.trial_id)
    assert model.split.dataset.image_shape == (1, 6, 9)
