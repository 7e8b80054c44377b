"""The weights a training leaves behind for those who may want them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch.config.early_stopping import stopping_epoch
from gridsearch.config.events import EpochRecord
from gridsearch.config.sections import Objective
from gridsearch.config.trial_epoch import reading_epoch
from gridsearch.errors import StorageError
from gridsearch.training.loop.task import Retention
from gridsearch.training.weight_snapshots import ReadingFolder, ReadingKeeper, weights_of
from tests.training.conftest import task

NAME = "a" * 64


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"w": torch.full((2, 3), value), "count": torch.tensor(3)}


def record(epoch: int) -> EpochRecord:
    return EpochRecord(NAME, 1, epoch, 1.0, 0.5, 0.3, 0.1 + 0.2, 0.1, 0.1)


def test_weights_come_back_or_not_at_all(tmp_path: Path) -> None:
    folder = ReadingFolder(tmp_path, NAME)
    assert folder.load(3) is None
    folder.save(record(3), weights(1.5))
    found = folder.load(3)
    assert found is not None and found.weights.keys() == weights(1.5).keys()
    assert torch.equal(found.weights["w"], weights(1.5)["w"]) and int(found.weights["count"]) == 3
    assert (found.val_loss, found.val_accuracy) == (0.3, 0.1 + 0.2)
    file = tmp_path / NAME / "3"
    file.write_bytes(file.read_bytes()[:-1])
    assert folder.load(3) is None
    for epoch in (4, 5, 6):
        folder.save(record(epoch), weights(epoch))
    folder.keep_only({5, 9})
    assert [file.name for file in (tmp_path / NAME).iterdir()] == ["5"]
    folder.drop(5)
    folder.drop(5)
    folder.keep_only(())
    assert not (tmp_path / NAME).exists()


def test_tied_weights_are_kept_under_each_name(tmp_path: Path) -> None:
    tied = torch.ones(2)
    folder = ReadingFolder(tmp_path, NAME)
    folder.save(record(1), {"a": tied, "b": tied})
    found = folder.load(1)
    assert found is not None and found.weights.keys() == {"a", "b"}


def test_a_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="weights in .*gridsearch resume"):
        ReadingFolder(tmp_path / "file", NAME).save(record(1), weights(1))


RECIPES: list[dict[str, Any]] = [{}, {"early_stopping": 2}, {"early_stopping": 3, "restore_best": True}]


@pytest.mark.parametrize("at", ["last", "best"])
@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_curve_each_trial_finds_its_epoch_and_nothing_else_is_left(
    tmp_path: Path, at: str, recipe: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    objective = Objective(metric="val_loss", at=at)  # type: ignore[arg-type]
    readings = tuple(sorted(chance.sample(range(1, 13), chance.randint(1, 4))))
    losses = [chance.choice([0.1, 0.2, 0.3, 0.4, 0.5]) for _ in range(readings[-1] + 1)]
    history = [EpochRecord(NAME, 1, e, 1.0, 0.5, loss, 0.5, 0.1, 0.1) for e, loss in enumerate(losses)]
    stop = stopping_epoch(recipe.get("early_stopping", 0), losses)
    history = history[: (stop or readings[-1]) + 1]
    asked = replace(task(epochs=readings[-1], name=NAME, **recipe), readings=readings)
    stopped_after = chance.randint(0, len(history) - 1)
    keeper = ReadingKeeper(asked, Retention(tmp_path, objective), [])
    for epoch in range(len(history)):
        if epoch == stopped_after + 1:  # and another worker goes on
            keeper = ReadingKeeper(asked, Retention(tmp_path, objective), history[:epoch])
        state = {"model.w": torch.full((2,), float(epoch)), "optimizer.steps": torch.tensor(epoch)}
        keeper.after_epoch(history[: epoch + 1], state)
    chosen = {reading_epoch(trial, objective, history) for trial in keeper.readings.trials}
    assert {int(file.name) for file in (tmp_path / NAME).iterdir()} == chosen
    for epoch in chosen:
        assert epoch is not None
        found = ReadingFolder(tmp_path, NAME).load(epoch)
        assert found is not None and found.weights.keys() == {"w"} and found.weights["w"][0] == epoch


def test_weights_are_the_model_s_part_of_a_state() -> None:
    assert weights_of({"model.a.b": torch.ones(1), "optimizer.m.0": torch.ones(1)}).keys() == {"a.b"}
