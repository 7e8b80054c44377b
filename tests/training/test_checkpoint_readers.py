"""Whoever reads a checkpoint changes nothing, and whoever writes one survives what others take away."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gridsearch import atomic
from gridsearch.training import checkpoints
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.weight_snapshots import ReadingFolder
from tests.training.test_checkpoints import NAME, history, tensors


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_reader_removes_nothing_that_others_may_be_writing(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, NAME, attempt=2)
    folder.save(tensors(1), history(1))
    for name in (".attempt-1-even.aa.partial", ".attempt-2-odd.bb.partial", "even.1234.tmp"):
        (folder.folder / name).write_text("half")
    before = everything_in(tmp_path)
    assert CheckpointFolder(tmp_path, NAME).load() is not None
    assert CheckpointFolder(tmp_path, NAME, attempt=3).load() is not None
    assert everything_in(tmp_path) == before


def test_the_next_attempt_removes_what_those_before_it_left_and_no_more(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    for attempt in (1, 9, 10, 11):
        (folder / f".attempt-{attempt}-even.aa.partial").write_text("half")
    CheckpointFolder(tmp_path, NAME, attempt=10).save(tensors(1), history(1))
    assert {path.name for path in folder.glob(".*")} == {f".attempt-{n}-even.aa.partial" for n in (10, 11)}


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("vanish", ["its unfinished file", "its folder"])
def test_a_writer_survives_what_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vanish: str, sync: bool
) -> None:
    monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0 if sync else 1e9)
    folder, readings = CheckpointFolder(tmp_path, NAME), ReadingFolder(tmp_path / "readings", NAME)
    folder.save(tensors(1), history(1))
    new_name: Callable[..., Path] = atomic.paths.partial_file
    taken: list[Path] = []

    def taken_away(target: Path, mark: str = "") -> Path:
        partial = new_name(target, mark)
        if len(taken) < 2:  # the first try of each
            taken.append(partial)
            monkeypatch.setattr(atomic.os, "fdopen", lambda *given: stream_of_the_taken(partial, *given))
        return partial

    def stream_of_the_taken(partial: Path, *given: object) -> object:
        monkeypatch.undo()
        monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0 if sync else 1e9)
        if vanish == "its folder":
            shutil.rmtree(partial.parent)
        else:
            partial.unlink()
        return atomic.os.fdopen(*given)  # type: ignore[call-overload]

    for save in (lambda: folder.save(tensors(2), history(2)), lambda: readings.save(history(2)[-1], tensors(2))):
        monkeypatch.setattr(atomic.paths, "partial_file", taken_away)
        save()
    found, kept = CheckpointFolder(tmp_path, NAME).load(), readings.load(2)
    assert len(taken) == 2
    assert found is not None and found.epoch == 2
    assert kept is not None


def test_a_reader_beside_a_writer_always_finds_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 1e9)
    folder, over = CheckpointFolder(tmp_path, NAME, attempt=1), threading.Event()
    folder.save(tensors(0), history(0))
    failed: list[str] = []

    def read() -> None:
        while not over.is_set():
            if CheckpointFolder(tmp_path, NAME).load() is None:
                failed.append("no checkpoint")

    reader = threading.Thread(target=read)
    reader.start()
    for epoch in range(1, 200):
        folder.save(tensors(epoch), history(epoch))
    over.set()
    reader.join()
    assert not failed
