"""Launching a job as a user does, and holding every number of its store against a training with torch alone."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gridsearch.cli.main import app
from gridsearch.config.trial import Split
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import apply_split
from gridsearch.models.registry import MODELS
from gridsearch.training.loop import pack
from gridsearch.training.stacking.autotune import STRATEGIES
from tests.oracle.plain import Images, Trained, train
from tests.oracle.where import device

METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class StoredTrial:
    """A trial as the store has it: its configuration, its state, its own numbers, and its lineage's epochs."""

    trial_id: str
    config: dict[str, Any]
    state: str
    error: str | None
    numbers: tuple[float, ...]
    epochs: list[tuple[float, ...]]

    @property
    def hyper(self) -> dict[str, Any]:
        """The model's own settings."""
        found: dict[str, Any] = self.config.get("hyper", {})
        return found


@dataclass
class Launched:
    """A store, and by which strategy each lineage was trained last, as far as it was: by the trial's id."""

    store: Path
    strategies: dict[str, str] = field(default_factory=dict)

    def trials(self) -> list[StoredTrial]:
        """Return all trials of the store."""
        columns = ", ".join(METRICS)
        with contextlib.closing(sqlite3.connect(self.store)) as db:
            rows = db.execute(
                f"SELECT trial_id, config, state, error, lineage, epochs, {columns} FROM trials ORDER BY id"
            ).fetchall()
            found = []
            for trial_id, config, state, error, lineage, epochs, *numbers in rows:
                curve = db.execute(
                    f"SELECT {columns}, learning_rate FROM epochs WHERE lineage = ? AND epoch <= ? ORDER BY epoch",
                    (lineage, epochs),
                ).fetchall()
                found.append(StoredTrial(trial_id, json.loads(config), state, error, tuple(numbers), curve))
            return found

    def strategy_of(self, trial: StoredTrial) -> str:
        """Return the strategy that a trial's lineage was trained in."""
        with contextlib.closing(sqlite3.connect(self.store)) as db:
            (lineage,) = db.execute(
                "SELECT lineage_id FROM lineages WHERE id = (SELECT lineage FROM trials WHERE trial_id = ?)",
                (trial.trial_id,),
            ).fetchone()
        return self.strategies[lineage]


def launch(folder: Path, text: str, *options: str, code: int | None = 0) -> Launched:
    """Launch a job, alone unless `packed` is at work around this, and return what is stored then."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.yaml").write_text(text)
    store = folder / "results.db"
    launched = Launched(store)
    with noted_strategies(launched.strategies), pytest.MonkeyPatch.context() as patch:
        # What outlives a power cut is tested elsewhere, and syncing takes most of the time of trainings as short.
        patch.setattr(os, "fsync", lambda file: None)
        arguments = ["launch", str(folder / "job.yaml"), "--inline", "--no-dashboard", "--device", str(device())]
        ended = app([*arguments, *options, "--keep", "none", "--store", str(store)], standalone_mode=False)
    assert code in (None, ended), [trial.error for trial in launched.trials() if trial.error]
    return launched


@contextlib.contextmanager
def noted_strategies(strategies: dict[str, str]) -> Iterator[None]:
    """Have the strategy of each lineage noted as it is trained within."""
    names = {strategy: name for name, strategy in STRATEGIES.items()}
    advance = pack.advance

    def noting(members: Any, context: Any, make_strategy: Any) -> Any:
        strategies.update({member.task.lineage_id: names.get(make_strategy, "alone") for member in members})
        return advance(members, context, make_strategy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "advance", noting)
        yield


@contextlib.contextmanager
def packed(strategy: str = "stacked") -> Iterator[None]:
    """Have lineages of one stack group trained as one within, though such short trainings are not measured.

    Dense networks are concatenated, others trained by the strategy.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "unmeasured", lambda *, dense: "concatenated" if dense else strategy)
        yield


@cache
def digits(split: str, data_seed: int, fold: int, precision: str) -> Images:
    """Return the images of a division, given as JSON."""
    dtype = torch.float64 if precision == "float64" else torch.float32
    parts = apply_split(load_digits(), Split(**json.loads(split)), data_seed, fold)

    def pixels(images: Any) -> Tensor:
        return torch.from_numpy(images).to(device(), dtype)[:, None] / 255

    return Images(
        pixels(parts.train_images),
        torch.from_numpy(parts.train_labels).to(device()),
        pixels(parts.validation_images),
        torch.from_numpy(parts.validation_labels).to(device()),
    )


def built(name: str, hyper: Mapping[str, Any], images: Images) -> nn.Module:
    """Return a new model of a configuration: the user's class with its settings and what it asks of the data."""
    where, _, what = MODELS.get(name, (name,))[0].partition(":")
    make = getattr(importlib.import_module(where), what)
    channels, height, width = images.train.shape[1:]
    given = {"image_shape": (channels, height, width), "in_channels": channels, "num_classes": 10}
    given["in_features"] = channels * height * width
    taken = inspect.signature(make).parameters
    model: nn.Module = make(**{key: value for key, value in given.items() if key in taken}, **hyper)
    return model


#: Trainings already done here, by what they are: stores may hold the same trial in several strategies.
_known: dict[str, Trained] = {}


def plainly(trial: StoredTrial, others: list[StoredTrial], start: Mapping[str, Tensor] | None = None) -> Trained:
    """Return a trial's training with torch alone, its teacher's before it."""
    key = json.dumps({**trial.config, "version": 0}, sort_keys=True)
    if start is None and key in _known:
        return _known[key]
    config = trial.config
    division = (json.dumps(config.get("split", {})), config.get("data_seed", 0), config.get("fold", 0))
    images = digits(*division, config.get("precision", "float32"))
    teacher = None
    if taught_by := config.get("teacher"):
        trial_id, _, epoch = taught_by.partition("@")
        (whose,) = [other for other in others if other.trial_id == trial_id]
        teacher = says(plainly(whose, others, start), int(epoch), config["distillation"], whose.config)
    before = torch.random.get_rng_state(), np.random.get_state(), random.getstate()
    trained = train(
        lambda: built(config["model"], config.get("hyper", {}), images), config, images, start=start, teacher=teacher
    )
    torch.random.set_rng_state(before[0])
    np.random.set_state(before[1])
    random.setstate(before[2])
    if start is None:
        _known[key] = trained
    return trained


def says(teacher: Trained, epoch: int, kind: str, config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    """Return what a trained model says of pixels: its logits, or the flattened output of its `features`."""
    model = teacher.models[epoch].eval()
    features: list[Tensor] = []
    if kind == "hidden":
        inner = dict(model.named_children())["features"]
        inner.register_forward_hook(lambda module, given, output: features.append(output.flatten(1)))
    mixed = config.get("precision") == "mixed"

    def answer(pixels: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast(pixels.device.type, torch.bfloat16, enabled=mixed):
            logits = model(teacher.normalize(pixels))
        return (features.pop() if kind == "hidden" else logits).float()

    return answer


def differences(trial: StoredTrial, plain: Trained) -> dict[str, float]:
    """Return how far each metric is from the plain training, at most over all epochs.

    Losses and rates relative to the plain ones, accuracies in images of the smaller set; infinite where a trial has no
    numbers, or another number of epochs, or ended otherwise.
    """
    state = "stopped" if plain.stopped else "completed"
    if trial.state != state or len(trial.epochs) != len(plain.epochs):
        return {f"{trial.state} after {len(trial.epochs) - 1}, not {state} after {len(plain.epochs) - 1}": float("inf")}
    found: dict[str, float] = {}
    named = (*METRICS, "learning_rate")
    expected = [tuple(getattr(epoch, name) for name in named) for epoch in plain.epochs]
    pairs = [*zip(trial.epochs, expected, strict=True), ((*trial.numbers, 0.0), (*expected[plain.reading][:4], 0.0))]
    for ours, theirs in pairs:
        for name, mine, other in zip(named, ours, theirs, strict=True):
            if mine is None and other is None:
                continue
            apart = abs(mine - other) / (1 if "accuracy" in name else max(abs(other), 1e-12))
            found[name] = max(found.get(name, 0.0), apart)
    return found


#: How far, at most, the trials that were held were apart from the plain ones, by metric.
held_apart: dict[str, float] = {}


def assert_held(trial: StoredTrial, plain: Trained, tolerance: float, images: int = 150) -> None:
    """A trial's numbers are those of the plain training; of accuracies, at most one image is otherwise."""
    apart = differences(trial, plain)
    for name, much in apart.items():
        held_apart[name] = max(held_apart.get(name, 0.0), much)
    limits = {name: 1.01 / images if "accuracy" in name else tolerance for name in apart}
    limits["learning_rate"] = 1e-12
    assert all(apart[name] <= limits[name] for name in apart), (trial.error, trial.config, apart)
