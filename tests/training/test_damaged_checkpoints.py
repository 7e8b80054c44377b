"""Checkpoints and readings that somebody damaged or forged cost no more than what they held."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from gridsearch.training.checkpoints import Checkpoint, CheckpointFolder, with_checksum
from gridsearch.training.loop.member import Member
from gridsearch.training.weight_snapshots import ReadingFolder
from tests.training.conftest import MakePlace, task
from tests.training.test_member import train

WHAT = task(epochs=3, learning_rate=0.01, optimizer="adam")
#: What stands in the place of a checkpoint, made of a sound one.
Forge = Callable[[Checkpoint], bytes]


def forged(found: Checkpoint, tensors: dict[str, Tensor] | None = None, history: Any = None) -> bytes:
    """Return a checkpoint with a right digest whatever it holds."""
    records = [asdict(record) for record in found.history] if history is None else history
    for record in records:
        if isinstance(record, dict) and record.get("correct") == b"":
            del record["correct"]
    text = records if isinstance(records, str) else json.dumps(records)
    metadata = {"lineage": WHAT.lineage_id, "history": text}
    return with_checksum(safetensors.torch.save(found.tensors if tensors is None else tensors, metadata))


def with_tensors(**changes: Tensor | None) -> Forge:
    def forge(found: Checkpoint) -> bytes:
        changed = {name.replace("__", "."): tensor for name, tensor in changes.items()}
        tensors = {name: t for name, t in (found.tensors | changed).items() if t is not None}
        return forged(found, tensors)

    return forge


def with_last(**changes: Any) -> Forge:
    return lambda found: forged(found, history=[*map(asdict, found.history[:-1]), asdict(found.history[-1]) | changes])


FORGERIES: dict[str, Forge] = {
    "nested history": lambda found: forged(found, history="[" * 100_000),
    "history of text": lambda found: forged(found, history='"abc"'),
    "history of numbers": lambda found: forged(found, history=[1, 2]),
    "no history": lambda found: forged(found, history=[]),
    "history with a gap": lambda found: forged(found, history=[asdict(found.history[0]), asdict(found.history[2])]),
    "epoch as text": with_last(epoch="3"),
    "epoch as a truth value": with_last(epoch=True),
    "loss as text": with_last(val_loss="low"),
    "loss as a list": with_last(train_loss=[1.0]),
    "endless seconds": with_last(seconds=float("inf")),
    "a rate without end": with_last(learning_rate=10**400),
    "another lineage's epoch": with_last(lineage_id="f" * 64),
    "unknown fields": with_last(color="red"),
    "answers that are no bits": with_last(correct="right"),
    "answers as a number": with_last(correct=7),
    "diverged long ago": lambda found: forged(
        found, history=[asdict(found.history[0]) | {"val_loss": float("nan")}, *map(asdict, found.history[1:])]
    ),
    "no tensors": lambda found: forged(found, {}),
    "no steps": with_tensors(optimizer__steps=None),
    "steps below zero": with_tensors(optimizer__steps=torch.tensor(-1)),
    "steps as a list": with_tensors(optimizer__steps=torch.zeros(2, dtype=torch.long)),
    "a weight too few": with_tensors(model__hidden__weight=None),
    "a weight too many": with_tensors(model__extra=torch.zeros(2)),
    "a weight of another shape": with_tensors(model__hidden__weight=torch.zeros(3, 5)),
    "a weight of whole numbers": with_tensors(model__hidden__bias=torch.zeros(20, dtype=torch.long)),
    "a slot of another shape": with_tensors(optimizer__mean__0=torch.zeros(7)),
    "a slot of no parameter": with_tensors(optimizer__mean__99=torch.zeros(20, 64)),
    "tensors of nothing": with_tensors(secret=torch.zeros(2)),
    "a huge header": lambda found: with_checksum(b"\xff" * 7 + b"\x7f" + b"{}"),
    "an empty file": lambda found: b"",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_checkpoint_before_a_forged_one_is_taken(make_place: MakePlace, tmp_path: Path, name: str) -> None:
    """As they lie side by side while a lineage is trained; at its end only one is left."""
    folder = tmp_path / "checkpoints" / WHAT.lineage_id
    train(make_place, task(epochs=2, learning_rate=0.01, optimizer="adam"))
    before = next(folder.iterdir()).read_bytes()
    records = train(make_place, task(epochs=3, learning_rate=0.01, optimizer="adam"), "whole")
    train(make_place, WHAT)
    (folder / "even").write_bytes(before)
    sound = CheckpointFolder(folder.parent, WHAT.lineage_id).load()
    assert sound is not None and sound.epoch == 3
    newest = next(slot for slot in folder.iterdir() if _epoch(slot) == 3)
    newest.write_bytes(FORGERIES[name](sound))
    member = Member(WHAT, make_place())
    assert [record.val_loss for record in member.history] == [record.val_loss for record in records[:3]]
    for slot in folder.iterdir():
        slot.write_bytes(FORGERIES[name](sound))
    assert Member(WHAT, make_place()).history == []
    again = train(make_place, WHAT)
    assert [record.val_loss for record in again] == [record.val_loss for record in records]


def _epoch(slot: Path) -> int:
    content = slot.read_bytes()[32:]
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return int(json.loads(header["__metadata__"]["history"])[-1]["epoch"])


def test_the_forgeries_are_refused_for_what_they_change(make_place: MakePlace, tmp_path: Path) -> None:
    train(make_place, WHAT)
    found = CheckpointFolder(tmp_path / "checkpoints", WHAT.lineage_id).load()
    assert found is not None
    for slot in (tmp_path / "checkpoints" / WHAT.lineage_id).iterdir():
        slot.write_bytes(forged(found))
    assert len(Member(WHAT, make_place()).history) == 4


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize("put", [_pipe, Path.mkdir, _link("/dev/zero"), _link("even"), _link("/proc/self/mem")])
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path, put: Callable[[Path], None]) -> None:
    checkpoints, readings = CheckpointFolder(tmp_path / "c", "a" * 64), ReadingFolder(tmp_path / "r", "a" * 64)
    for path in (checkpoints.folder / "even", readings.folder / "3"):
        path.parent.mkdir(parents=True)
        put(path)
    assert checkpoints.load() is None
    assert readings.load(3) is None
