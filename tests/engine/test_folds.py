"""Points trained several times: a launch of folds and repeats on real digits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gridsearch.analysis.best import best
from gridsearch.config.events import TrialState
from gridsearch.config.identity import parse
from gridsearch.config.trial import SplitKey
from gridsearch.engine.executors.worker_context import WorkerContexts
from gridsearch.engine.run.launch import worker_settings
from gridsearch.engine.run.planning import LaunchOptions
from gridsearch.errors import JobError
from gridsearch.store.opening import open_store
from gridsearch.training.loop.member import new_model
from tests.engine.launching import Notes, launch, prepared, table


def test_every_fold_of_every_repeat_is_trained_and_more_repeats_train_only_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    changes = ("split={folds: 3, test: 0.1}", "epochs=2", "batch_size=64", "learning_rate=0.1")
    notes = Notes()
    two = prepared(tmp_path, *changes, "repeats=2")
    assert sorted(two.splits, key=str) == [SplitKey(0, fold, two.dataset.fingerprint) for fold in range(3)]
    assert (two.images()["train"], two.images()["validation"]) == (1078, 539)
    assert launch(two, path, notes=notes).counts == {TrialState.COMPLETED: 6}
    first = table(path)
    assert len(notes.epochs) == 6 * 3
    assert len({row[3] for row in first.values()}) == 6
    notes = Notes()
    launch(prepared(tmp_path, *changes, "repeats=3"), path, notes=notes)
    assert len(notes.epochs) == 3 * 3
    assert {key: row for key, row in table(path).items() if key in first} == first


def test_a_fold_has_the_numbers_of_training_on_its_images(tmp_path: Path) -> None:
    job = prepared(tmp_path, "split={folds: 3}", "epochs=1", "batch_size=64", "learning_rate=0.1")
    notes = Notes()
    launch(job, tmp_path / "results.db", notes=notes)
    places = WorkerContexts(worker_settings(job, tmp_path / "results.db", LaunchOptions(1, "cpu")))
    for trial in job.grid.trials:
        split = job.splits[trial.config.split_key]
        measured = next(epoch for epoch in notes.epochs if epoch.lineage_id == trial.lineage_id and epoch.epoch == 0)
        model = new_model(trial.config, places.at(trial.config))
        pixels = torch.from_numpy(split.validation_images.astype("float32") / 255)[:, None]
        right = (model(pixels).argmax(1).numpy() == split.validation_labels).mean()
        assert measured.val_accuracy == pytest.approx(right, abs=1e-6)


def test_repeats_over_both_draw_weights_and_split(tmp_path: Path) -> None:
    changes = ("epochs=1", "batch_size=64", "learning_rate=[0.1, 0.01]", "repeats=2", "repeat_over=both")
    job = prepared(tmp_path, *changes)
    keys = [SplitKey(seed, 0, job.dataset.fingerprint) for seed in (0, 1)]
    assert sorted(job.splits, key=str) == keys
    zero, one = (set(job.splits[key].indices.validation) for key in keys)
    assert 0 < len(zero & one) < len(zero)
    assert launch(job, tmp_path / "results.db").counts == {TrialState.COMPLETED: 4}
    table(tmp_path / "results.db")
    with open_store(tmp_path / "results.db", create=False) as store:
        first, *others = best(store, "small", 5)
        rate = parse(first.row.config).learning_rate
        rows = [row for row in store.trials("small") if parse(row.config).learning_rate == rate]
    assert list(first.members) == rows and first.of == 2
    assert len(others) == 1
    assert first.score == pytest.approx(sum(row.val_accuracy or 0.0 for row in rows) / 2)


def test_the_smallest_training_set_bounds_the_batch(tmp_path: Path) -> None:
    changes = ("split={folds: 2}", "epochs=1", "learning_rate=0.1")
    assert prepared(tmp_path, *changes, "batch_size=898").images()["train"] == 898
    with pytest.raises(JobError, match="899 is larger than the training set of 898 images"):
        prepared(tmp_path, *changes, "batch_size=899")
