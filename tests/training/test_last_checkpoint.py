"""What a training leaves: its last checkpoint, alone, whatever happens while the others are removed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from gridsearch.training import checkpoints
from gridsearch.training.checkpoints import CheckpointFolder
from tests.training.test_checkpoint_crashes import CrashError, Disk
from tests.training.test_checkpoints import NAME, history, tensors


def saved(root: Path, monkeypatch: pytest.MonkeyPatch, *durable: bool, attempt: int = 1) -> CheckpointFolder:
    """Return a folder after an epoch for each; the numbers of epochs are their places."""
    folder = CheckpointFolder(root, NAME, attempt)
    for epoch, sync in enumerate(durable):
        monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0 if sync else 1e9)
        folder.save(tensors(epoch), history(epoch))
    return folder


def epoch_of(root: Path) -> int:
    found = CheckpointFolder(root, NAME).load()
    return found.epoch if found else -1


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / NAME).iterdir())


def test_the_last_of_a_training_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path, monkeypatch, False, True, False)
    assert len(names(tmp_path)) == 3
    folder.save(tensors(3), history(3), last=True)
    assert (names(tmp_path), epoch_of(tmp_path)) == (["synced"], 3)


@pytest.mark.parametrize("power_lost", [False, True], ids=["process", "machine"])
@pytest.mark.parametrize("durable", [(False, False, False), (False, True, False), (True, True, False)], ids=str)
def test_after_a_crash_at_any_step_of_the_last_there_is_one_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: tuple[bool, ...], power_lost: bool
) -> None:
    for steps in count():
        root, disk, ended = tmp_path / str(steps), Disk(), False
        with disk.watched():
            folder = saved(root, monkeypatch, *durable)
        disk.left = steps
        with suppress(CrashError), disk.watched():
            folder.save(tensors(3), history(3), last=True)
            ended = True
        if power_lost:
            disk.lose_power(root / NAME)
        synced = max((epoch for epoch, sync in enumerate(durable) if sync), default=-1)
        assert epoch_of(root) >= (3 if ended else synced if power_lost else 2), steps
        if ended:
            assert names(root) == ["synced"]
            return


@pytest.mark.parametrize("power_lost", [False, True], ids=["process", "machine"])
@pytest.mark.parametrize("durable", [(False, False), (True, False), (False, True, False)], ids=str)
def test_after_a_crash_at_any_step_of_settling_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: tuple[bool, ...], power_lost: bool
) -> None:
    for steps in count():
        root, disk, ended = tmp_path / str(steps), Disk(), False
        with disk.watched():
            saved(root, monkeypatch, *durable)
        disk.left = steps
        with suppress(CrashError), disk.watched():
            CheckpointFolder(root, NAME, 1).finalize()
            ended = True
        if power_lost:
            disk.lose_power(root / NAME)
        synced = max((epoch for epoch, sync in enumerate(durable) if sync), default=-1)
        newest = len(durable) - 1
        assert epoch_of(root) >= (newest if ended or not power_lost else synced), steps
        if ended:
            assert (names(root), epoch_of(root)) == (["synced"], newest)
            return


def test_a_damaged_newest_one_costs_the_older_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path, monkeypatch, False, False, False)
    newest = folder.folder / "even"
    newest.write_bytes(newest.read_bytes()[:-1])
    folder.finalize()
    assert (names(tmp_path), epoch_of(tmp_path)) == (["synced"], 1)


def test_where_none_is_sound_all_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path, monkeypatch, False, False)
    for slot in ("even", "odd"):
        (folder.folder / slot).write_bytes(b"damaged")
    folder.finalize()
    assert names(tmp_path) == ["even", "odd"]


def test_what_a_later_attempt_wrote_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was given up wakes at its last epoch, when another has long gone on."""
    awoken = saved(tmp_path, monkeypatch, False)
    other = CheckpointFolder(tmp_path, NAME, 2)
    other.load()
    other.save(tensors(5), [replace(record, attempt=2) for record in history(5)])
    written = {path.name: path.read_bytes() for path in awoken.folder.iterdir() if path.name != "even"}
    assert written
    awoken.save(tensors(1), history(1), last=True)
    assert {name: (awoken.folder / name).read_bytes() for name in written} == written
    assert epoch_of(tmp_path) == 5


def test_what_can_be_spared_is_what_settling_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path, monkeypatch, False, True, False)
    (folder.folder / ".attempt-1-even.aa.partial").write_text("half")
    next_one = CheckpointFolder(tmp_path, NAME, 2)
    spare = next_one.spare()
    assert sum(path.stat().st_size for path in spare) > 4 and len(spare) == 3
    before = sum(path.stat().st_size for path in folder.folder.iterdir())
    freed = sum(path.stat().st_size for path in spare)
    next_one.finalize()
    assert sum(path.stat().st_size for path in folder.folder.iterdir()) == before - freed
    assert next_one.spare() == []
