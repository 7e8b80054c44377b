"""Recipes from end to end: what ends a training, what is read of it, and what is refused before it begins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from gridsearch import paths
from gridsearch.config.early_stopping import best_epoch, stopping_epoch
from gridsearch.config.events import TrialState
from gridsearch.config.identity import parse
from gridsearch.engine.executors import inline
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import DataError, GridsearchError, JobError, ModelError
from gridsearch.models.dense import Shallow
from gridsearch.store.opening import open_store
from gridsearch.training.checkpoints import CheckpointFolder
from tests.engine.launching import Notes, assert_alike, launch, prepared, table

STOPPING = ("epochs=[2,40]", "learning_rate=[0.5,0.01]", "batch_size=[128]", "early_stopping=2", "neurons=[30]")


def stop_after(notes: Notes, epochs: int) -> bool:
    return len(notes.epochs) >= epochs


def test_early_stopping_ends_the_longer_trials_and_what_is_read_is_what_was_asked_for(tmp_path: Path) -> None:
    job = prepared(tmp_path, *STOPPING, "restore_best=[true,false]")
    end = launch(job, tmp_path / "r.db")
    assert end.counts[TrialState.STOPPED] >= 2
    with open_store(tmp_path / "r.db", create=False) as store:
        assert store.verify() == []
        for row in store.trials("small"):
            config = parse(row.config)
            losses = [epoch.val_loss for epoch in store.epochs([row.lineage_id])][: config.epochs + 1]
            stop = stopping_epoch(2, losses)
            assert row.stopped_epoch == (stop if stop is not None and stop < config.epochs else None)
            read = best_epoch(losses) if config.restore_best else len(losses) - 1
            assert row.val_loss == losses[read]
    longer, notes = prepared(tmp_path, *STOPPING[1:], "restore_best=[true,false]", "epochs=[2,40,60]"), Notes()
    launch(longer, tmp_path / "r.db", notes=notes)
    stopped = {epoch.lineage_id for epoch in notes.epochs}
    with open_store(tmp_path / "r.db", create=False) as store:
        assert all(store.lineages([name])[name].stopped_epoch is None or name in stopped for name in stopped)
        for row in store.trials("small"):
            if row.stopped_epoch is not None and row.stopped_epoch < 40:
                assert row.lineage_id not in stopped


@pytest.mark.parametrize(
    "recipe",
    [
        ("schedule=plateau", "plateau_patience=0", "gamma=0.5", "learning_rate=[0.5,0.2]", "early_stopping=3"),
        ("schedule=one_cycle", "optimizer=adam", "learning_rate=[0.05,0.01]", "clip_norm=[0.5]"),
        ("flip=true", "rotation=10", "crop_padding=1", "normalization=[channel]", "label_smoothing=[0.0,0.2]"),
        ("normalization=[scale,image]", "l1=[0,0.0001]", "precision=mixed"),
        ("ema=[0.5,0.9]", "accumulate=2", "warmup_epochs=1.5", "optimizer=adam", "betas=[0.8,0.9]"),
    ],
    ids=["plateau", "one_cycle", "augmented", "mixed", "averaged"],
)
def test_interrupted_and_resumed_it_is_the_same_as_in_one_go(recipe: tuple[str, ...], tmp_path: Path) -> None:
    job = prepared(tmp_path, "epochs=[2,9]", *recipe)
    notes = Notes()
    first = launch(job, tmp_path / "r.db", notes=notes, stopping=lambda: stop_after(notes, 13))
    assert first.interrupted
    launch(job, tmp_path / "r.db")
    launch(job, tmp_path / "whole.db")
    assert_alike(table(tmp_path / "r.db"), table(tmp_path / "whole.db"))


@pytest.mark.parametrize("after", [4, 8, 17])
def test_going_on_where_packs_are_the_same_is_bitwise_even_where_training_is_wild(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ended in the midst of a pack's checkpoints, as a kill would.
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)
    job = prepared(tmp_path, "epochs=[2,6]", "learning_rate=[0.3,0.1,0.05]", "batch_size=[8]", "momentum=0.9")

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(job, tmp_path / "r.db", notes=Notes(after, end))
    root = paths.checkpoint_dir(tmp_path / "r.db")
    reached = {
        checkpoint.epoch for trial in job.grid.trials if (checkpoint := CheckpointFolder(root, trial.lineage_id).load())
    }
    assert len(reached) == 2
    launch(job, tmp_path / "r.db")
    launch(job, tmp_path / "whole.db")
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")


def test_the_size_of_a_model_stands_with_its_trials(tmp_path: Path) -> None:
    launch(prepared(tmp_path, "epochs=[1]", "neurons=[10,20]"), tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        found = {parse(row.config).hyper["neurons"]: (row.parameters, row.macs) for row in store.trials("small")}
    assert found == {n: (64 * n + n + 10 * n + 10, 64 * n + 10 * n) for n in (10, 20)}


def test_frozen_parameters_keep_the_weights_that_were_started_from(tmp_path: Path) -> None:
    started = {"hidden.weight": torch.full((10, 64), 0.01), "hidden.bias": torch.zeros(10), "other": torch.ones(2)}
    torch.save(started, tmp_path / "start.pt")
    job = prepared(tmp_path, "epochs=[2]", "pretrained=start.pt", 'freeze="hidden.*"', "batch_size=64")
    assert all(trial.config.pretrained.startswith("sha256:") for trial in job.grid.trials)
    launch(job, tmp_path / "r.db")
    (file,) = (tmp_path / "weights").glob("*.pt")
    kept = torch.load(file, weights_only=True)
    assert torch.equal(kept["hidden.weight"], started["hidden.weight"])
    assert not torch.equal(kept["output.weight"], torch.zeros_like(kept["output.weight"]))
    torch.save(started | {"hidden.bias": torch.ones(10)}, tmp_path / "start.pt")
    other = prepared(tmp_path, "epochs=[2]", "pretrained=start.pt", 'freeze="hidden.*"', "batch_size=64")
    assert {trial.trial_id for trial in other.grid.trials}.isdisjoint(trial.trial_id for trial in job.grid.trials)


def test_the_weights_of_a_trial_are_the_averages_that_were_validated_and_training_goes_on_without(
    tmp_path: Path,
) -> None:
    job = prepared(tmp_path, "epochs=[3]", "learning_rate=[0.5]", "batch_size=[64]", "ema=0.9")
    launch(job, tmp_path / "r.db")
    (file,) = (tmp_path / "weights").glob("*.pt")
    kept = torch.load(file, weights_only=True)
    (trial,) = job.grid.trials
    checkpoint = CheckpointFolder(paths.checkpoint_dir(tmp_path / "r.db"), trial.lineage_id).load()
    assert checkpoint is not None
    for name, tensor in kept.items():
        assert torch.equal(tensor, checkpoint.tensors[f"ema.{name}"])
        assert not torch.equal(tensor, checkpoint.tensors[f"model.{name}"])
    model = Shallow(in_features=64, num_classes=10, neurons=10)
    model.load_state_dict(kept)
    (split,) = job.splits.values()
    pixels = torch.from_numpy(split.validation_images)[:, None] / 255
    with torch.no_grad():
        loss = functional.cross_entropy(model(pixels), torch.from_numpy(split.validation_labels)).item()
    with open_store(tmp_path / "r.db", create=False) as store:
        (row,) = store.trials("small")
    assert row.val_loss == pytest.approx(loss, rel=1e-5)
    # Extended, it goes on from the weights in training, to what it would have been in one go.
    longer = prepared(tmp_path, "epochs=[5]", "learning_rate=[0.5]", "batch_size=[64]", "ema=0.9")
    launch(longer, tmp_path / "r.db")
    launch(longer, tmp_path / "whole.db")
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")


def test_a_warm_up_shares_its_epochs_where_the_schedule_does(tmp_path: Path) -> None:
    shared = prepared(tmp_path, "epochs=[3,5]", "warmup_epochs=1", "schedule=[constant,step,cosine,polynomial]")
    lineages = {(t.config.schedule, t.config.batch_size, t.config.learning_rate): set() for t in shared.grid.trials}
    for trial in shared.grid.trials:
        key = trial.config.schedule, trial.config.batch_size, trial.config.learning_rate
        lineages[key].add(trial.lineage_id)
    assert {(schedule, len(found)) for (schedule, _, _), found in lineages.items()} == {
        ("constant", 1),
        ("step", 1),
        ("cosine", 2),
        ("polynomial", 2),
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("betas=[0.9,0.95]", "betas: is of adam and adamw, and the optimiser is sgd; leave it out, or write"),
        ("eps=0.1", "eps: is of adam, adamw and rmsprop, and the optimiser is sgd"),
        ("alpha=0.9", "alpha: is of rmsprop, and the optimiser is sgd"),
        ("betas=[[0.9,1.0]]", r"betas: \[0.9, 1\] must be a pair of numbers of at least 0 and below 1, such as"),
        ("betas=0.9", "betas: 0.9 must be a pair of numbers"),
        ("warmup_epochs=[0,9]", "a warm-up of 9 epochs leaves none of 1 epoch to the schedule"),
        ("accumulate=0", "accumulate: 0 must be at least 1"),
        ("ema=1.0", "ema: 1 must be below 1"),
    ],
)
def test_what_optimisers_and_schedules_cannot_do_is_refused(override: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=said) as raised:
        prepared(tmp_path, "epochs=[1]", override)
    assert "\n" not in str(raised.value)


def test_coefficients_may_stand_beside_an_optimiser_without_and_make_no_other_trials_of_it(tmp_path: Path) -> None:
    job = prepared(
        tmp_path,
        "epochs=[1]",
        "learning_rate=[0.1]",
        "batch_size=[64]",
        "optimizer=[sgd,adam]",
        "betas=[[0.9,0.999],[0.9,0.95]]",
    )
    assert [trial.config.betas for trial in job.grid.trials if trial.config.optimizer == "adam"] == [
        [0.9, 0.999],
        [0.9, 0.95],
    ]
    assert len(job.grid.trials) == 3


def flat(folder: Path) -> None:
    labels = np.arange(40) % 2
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 12), dtype=np.uint8)
    np.savez(folder / "flat.npz", train_images=pixels, train_labels=labels)
    np.savez(folder / "four.npz", train_images=np.zeros((40, 8, 8, 4), np.uint8), train_labels=labels)


@pytest.mark.parametrize(
    ("overrides", "error", "text"),
    [
        (
            ("dataset=flat.npz", "batch_size=8", "rotation=[0,5]"),
            JobError,
            r"rotation: the data are rows of 12 numbers, not images",
        ),
        (("crop_padding=[0,8]",), JobError, r"crop_padding: 8 pixels around images of 8 x 8 may leave nothing"),
        (('freeze="hiden.*"',), ModelError, r"freeze: 'hiden\.\*' matches no parameter \(did you mean 'hidden\.\*'"),
        (('freeze="*"',), ModelError, r"freeze: '\*' leaves nothing to train"),
        (("pretrained=none.pt",), ModelError, r"'none\.pt' is neither 'imagenet' nor a file"),
        (("pretrained=imagenet",), ModelError, r"there are no 'imagenet' weights of model 'shallow'"),
        (
            ("dataset=four.npz", "batch_size=8", "normalization=imagenet"),
            JobError,
            r"normalization: ImageNet's normalisation is for colour images or grey ones, and these have 4",
        ),
        (("distillation=soft",), JobError, r"distillation: needs a teacher, a job of its own"),
        (("teacher={job: other}",), JobError, r"teacher: no trial learns from it"),
        (("teacher={job: small}", "distillation=soft"), JobError, r"teacher.*is this job itself"),
        (("teacher={job: other}", "distillation=hidden"), ModelError, r"needs a module 'features'"),
        (("split={test: 0.1, train: 5000}",), DataError, r"split: train: 5000 of 1294: only 1294 images"),
    ],
)
def test_a_recipe_that_cannot_be_done_is_refused_in_one_line(
    overrides: tuple[str, ...], error: type[GridsearchError], text: str, tmp_path: Path
) -> None:
    flat(tmp_path)
    with pytest.raises(error, match=text) as caught:
        prepared(tmp_path, *overrides)
    assert "\n" not in str(caught.value)


CNN = """\
name: small
dataset: digits
model: cnn
batch_size: 64
epochs: 1
learning_rate: 0.1
freeze: features.conv2.*
space:
  filters: [[2], [2, 2]]
"""


@pytest.mark.parametrize("text", [CNN, CNN.replace("[[2], [2, 2]]", "[[2, 2], [2]]")], ids=["first", "last"])
def test_a_pattern_must_match_in_every_model_of_the_grid(text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"job:7:9: freeze: 'features\.conv2\.\*' matches no parameter"):
        prepared(tmp_path, text=text)


def test_kept_weights_follow_the_objective_and_tell_the_numbers_of_their_epoch(tmp_path: Path) -> None:
    change, notes = ("epochs=[6]", "learning_rate=[1.5]", "batch_size=[64]"), Notes()
    best = (*change, "objective={metric: val_loss, at: best}")
    launch(prepared(tmp_path, *change), tmp_path / "r.db")
    launch(prepared(tmp_path, *best), tmp_path / "r.db", notes=notes)
    with open_store(tmp_path / "r.db", create=False) as store:
        (row,) = store.trials("small")
        curve = store.epochs([row.lineage_id])
        epoch = best_epoch([one.val_loss for one in curve])
        assert epoch < 6, "the case under test needs another best epoch than the last"
        assert any("are missing: " in note for note in notes.notes)
        found = trained(ModelSource(store, tmp_path / "r.db", tmp_path), "small", row.trial_id)
    described = json.loads(found.weights_file.with_suffix(".json").read_text())
    assert (found.epoch, described["epoch"]) == (epoch, epoch)
    assert described["metrics"]["val_loss"] == curve[epoch].val_loss != row.val_loss
