from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.events import EpochRecord
from gridsearch.training import checkpoints
from gridsearch.training.checkpoints import CheckpointFolder

NAME = "e" * 64


def history(epochs: int) -> list[EpochRecord]:
    return [EpochRecord(NAME, 1, e, 2.3 / (e + 1), 0.1, 2.4, 0.2, 0.1, 0.01) for e in range(epochs + 1)]


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"model.w": torch.full((3, 2), value), "optimizer.steps": torch.tensor(7)}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, NAME)
    assert folder.load() is None
    folder.save(tensors(1.5), history(3))
    found = CheckpointFolder(tmp_path, NAME).load()
    assert found is not None
    assert (found.epoch, list(found.history)) == (3, history(3))
    assert torch.equal(found.tensors["model.w"], torch.full((3, 2), 1.5))
    assert int(found.tensors["optimizer.steps"]) == 7


def test_the_newest_sound_one_is_taken_and_two_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CheckpointFolder(tmp_path, NAME)
    folder.save(tensors(1), history(1))
    monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0)
    folder.save(tensors(2), history(2))
    folder.save(tensors(3), history(3))
    (folder.folder / "synced").write_bytes(b"damaged")
    found = folder.load()
    assert found is not None
    assert found.epoch == 2


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_file_is_never_taken(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    folder = CheckpointFolder(tmp_path_factory.mktemp("c"), NAME)
    folder.save(tensors(1), history(1))
    path = folder.folder / "even"
    raw = bytearray(path.read_bytes())
    place %= len(raw)
    unchanged = raw[place] == byte
    raw[place] = byte
    path.write_bytes(bytes(raw))
    assert (folder.load() is not None) is unchanged
    path.write_bytes(bytes(raw)[:place])
    assert folder.load() is None


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("ran"),))


def test_no_code_runs_on_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = CheckpointFolder(tmp_path, NAME)
    folder.save(tensors(1), history(1))
    evil = pickle.dumps(Malicious())
    (folder.folder / "even").write_bytes(checkpoints._digest(evil) + evil)
    assert folder.load() is None
    assert not Path("ran").exists()


def test_a_checkpoint_of_another_lineage_is_not_taken(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, NAME)
    folder.save(tensors(1), history(1))
    (tmp_path / NAME).rename(tmp_path / ("f" * 64))
    assert CheckpointFolder(tmp_path, "f" * 64).load() is None
