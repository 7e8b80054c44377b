"""A checkpoint folder after a crash at every single step of saving."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest

from gridsearch.training import checkpoints
from gridsearch.training.checkpoints import CheckpointFolder
from tests.training.test_checkpoints import NAME, history, tensors


class CrashError(BaseException):
    """The process or the machine is gone."""


class Disk:
    """Lets so many operations on files happen and then crashes; knows which files' content a sync made safe."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.safe: set[int] = set()

    def step(self) -> None:
        if self.left is not None:
            if self.left == 0:
                raise CrashError
            self.left -= 1

    @contextmanager
    def watched(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("mkdir", "open", "replace", "unlink"):
                patch.setattr(os, name, self._stepping(getattr(os, name)))
            patch.setattr(os, "fsync", self._stepping(self._sync))
            yield

    def _stepping(self, operation: Any) -> Any:
        def run(*arguments: Any, **options: Any) -> Any:
            self.step()
            return operation(*arguments, **options)

        return run

    def _sync(self, descriptor: int) -> None:
        self.safe.add(os.fstat(descriptor).st_ino)

    def lose_power(self, folder: Path) -> None:
        """Empty what was never synced, as a journal that orders renames may leave it."""
        for path in folder.glob("*"):
            if path.stat().st_ino not in self.safe:
                os.truncate(path, 0)


@pytest.mark.parametrize("power_lost", [False, True], ids=["process", "machine"])
@pytest.mark.parametrize("durable", list(product([False, True], repeat=4)), ids=str)
def test_after_a_crash_at_any_step_the_checkpoint_is_sound_and_not_older_than_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: tuple[bool, ...], power_lost: bool
) -> None:
    for steps in count():
        root, disk = tmp_path / str(steps), Disk()
        folder = CheckpointFolder(root, NAME, attempt=1)
        saved, synced = -1, -1
        disk.left = steps
        with suppress(CrashError), disk.watched():
            for epoch, sync in enumerate(durable):
                monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0 if sync else 1e9)
                folder.save(tensors(epoch), history(epoch))
                saved, synced = epoch, epoch if sync else synced
        if power_lost and folder.folder.exists():
            disk.lose_power(folder.folder)
        found = CheckpointFolder(root, NAME).load()
        assert (found.epoch if found else -1) >= (synced if power_lost else saved), steps
        CheckpointFolder(root, NAME, attempt=2).save(tensors(9), history(9))
        assert not list(root.glob("*/.*"))
        if saved == len(durable) - 1:
            return
