"""Collecting garbage: what nothing needs goes, what a launch holds or an extension needs stays."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.engine.disk.garbage import STALE_SECONDS, Kind, Share, collect
from gridsearch.engine.executors import inline
from gridsearch.engine.run.liveness import own_process
from gridsearch.engine.run.own_folder import OwnFolder
from gridsearch.engine.run.planning import plan_job
from gridsearch.store.opening import open_store
from gridsearch.store.processes import process_table
from gridsearch.training import checkpoints
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.weight_snapshots import ReadingFolder
from tests.engine.launching import Notes, launch, prepared, table
from tests.engine.test_checkpoint_limit import slots


@pytest.fixture(autouse=True)
def _report_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store as versions before left it: two or three copies of each checkpoint."""
    path = tmp_path / "r.db"
    monkeypatch.setattr(checkpoints, "SYNC_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFolder, "_keep_only", lambda folder, slot: None)
        patch.setattr(CheckpointFolder, "finalize", lambda folder: None)
        launch(prepared(tmp_path), path, keep=0)
    assert all(len(names) > 1 for names in slots(path).values())
    return path


def gc(path: Path, limit: float = float("inf")) -> list[Share]:
    """Collect; what a dry run says is what then goes."""
    with open_store(path, create=False, read_only=True) as store:
        told = collect(store, path, limit, dry_run=True)
    with open_store(path, create=False) as store:
        done = collect(store, path, limit)
        assert store.verify() == []
        assert collect(store, path, limit) == []
    assert [(share.kind, share.files, share.size) for share in told] == [
        (share.kind, share.files, share.size) for share in done
    ]
    return done


def test_spare_copies_go_and_an_extension_goes_on_as_if_they_were_there(tmp_path: Path, old: Path) -> None:
    shutil.copytree(tmp_path, tmp_path / "other")
    (share,) = gc(old)
    assert share.kind is Kind.SPARE and share.size > 0
    assert set(map(tuple, slots(old).values())) == {("synced",)}
    longer = prepared(tmp_path, "epochs=[1,3,5]")
    for path in (old, tmp_path / "other" / "r.db"):
        notes = Notes()
        launch(longer, path, notes=notes, keep=0)
        assert {record.epoch for record in notes.epochs} == {4, 5}
    assert table(old) == table(tmp_path / "other" / "r.db")


def test_what_a_launch_holds_stays(tmp_path: Path, old: Path) -> None:
    longer = prepared(tmp_path, "epochs=[1,3,5]")
    before = slots(old)
    with open_store(old, create=False) as store:
        store.put_job("small", longer.record().as_json(), longer.job.source, longer.new_trials())
        number = store.open_launch("small", *own_process(), 1, process_table())
        targets = {plan.lineage_id: 5 for plan in plan_job(longer, store).lineages}
        (held, *_) = (claim.lineage_id for claim in store.claim(number, dict(list(targets.items())[:1])))
        with open_store(old, create=False) as other:
            collect(other, old, 0)
        assert slots(old)[held] == before[held]
        # The others are begun now: they keep one checkpoint, whatever the limit.
        assert {tuple(names) for name, names in slots(old).items() if name != held} == {("synced",)}
        store.close_launch(number, "interrupted")
    launch(longer, old, keep=0)
    launch(longer, tmp_path / "whole.db", keep=0)
    assert table(old) == table(tmp_path / "whole.db")


def test_what_a_launch_that_is_gone_held_is_free(tmp_path: Path, old: Path) -> None:
    longer = prepared(tmp_path, "epochs=[1,3,5]")
    host, pid, started = own_process()
    with open_store(old, create=False) as store:
        store.put_job("small", longer.record().as_json(), longer.job.source, longer.new_trials())
        number = store.open_launch("small", host, pid, started - 1000, 1, process_table())  # of an earlier process
        store.claim(number, {plan.lineage_id: 5 for plan in plan_job(longer, store).lineages})
    assert [share.kind for share in gc(old)] == [Kind.SPARE]
    assert set(map(tuple, slots(old).values())) == {("synced",)}


def test_a_limit_removes_what_has_ended(old: Path) -> None:
    assert [share.kind for share in gc(old, 0)] == [Kind.SPARE, Kind.BEYOND]
    assert slots(old) == {}


def test_checkpoints_of_what_never_goes_on_or_is_not_in_the_store_go(tmp_path: Path) -> None:
    path, notes = tmp_path / "r.db", Notes()
    launch(prepared(tmp_path, "learning_rate=[0.1, 1e30]", "batch_size=[64]"), path, notes=notes, keep=0)
    root = paths.checkpoint_dir(path)
    (sound,) = slots(path)
    with open_store(path) as store:
        (diverged,) = {row.lineage_id for row in store.trials("small") if row.state == "diverged"}
    for name in (diverged, "f" * 64):
        (root / name).mkdir()
        (root / name / "even").write_bytes(b"a checkpoint")
    assert gc(path) == [Share(Kind.OVER, 1, 12), Share(Kind.UNKNOWN, 1, 12)]
    assert slots(path) == {sound: ["synced"]}


def test_unfinished_files_and_folders_of_processes_that_are_gone_go(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    launch(prepared(tmp_path), path, keep=1)
    (some, *_) = slots(path)
    (paths.checkpoint_dir(path) / some / ".attempt-1-even.aa.partial").write_bytes(b"half")
    fresh, stale = paths.partial_file(paths.weights_dir(path) / "a.pt"), paths.partial_file(paths.log_dir(path) / "b")
    for file in (fresh, stale):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    os.utime(stale, (time.time() - 2 * STALE_SECONDS,) * 2)
    scratch = paths.scratch_dir(path)
    scratch.mkdir(parents=True, exist_ok=True)
    gone, living = OwnFolder(scratch, "tune"), OwnFolder(scratch, "tune")
    (gone.path / "state").write_bytes(b"12345")
    (living.path / "state").write_bytes(b"12345")
    os.close(gone._lock)  # as the system does when a process ends
    assert gc(path) == [Share(Kind.SPARE, 1, 4), Share(Kind.UNFINISHED, 1, 4), Share(Kind.SCRATCH, 1, 5)]
    assert fresh.exists() and (living.path / "state").exists()
    assert [file.suffix for file in sorted(paths.weights_dir(path).glob("[!.]*"))] == [".json", ".pt"]
    living.remove()


def test_gathered_weights_stay_until_they_are_written(tmp_path: Path) -> None:
    path, stop = tmp_path / "r.db", list[bool]()
    job = prepared(tmp_path)
    launch(job, path, notes=Notes(14, lambda: stop.append(True)), stopping=lambda: bool(stop), keep=2)
    root = paths.reading_dir(path, "small")
    gathered = {folder.name for folder in root.iterdir()}
    assert gathered
    gone = ReadingFolder(paths.reading_dir(path, "no-such-job"), "e" * 64)
    gone.folder.mkdir(parents=True)
    (gone.folder / "3").write_bytes(b"weights")
    assert Share(Kind.READINGS, 1, 7) in gc(path)
    assert {folder.name for folder in root.iterdir()} == gathered
    left_grid = root / ("d" * 64)
    left_grid.mkdir()
    (left_grid / "1").write_bytes(b"of an earlier grid")
    assert gc(path) == [Share(Kind.READINGS, 1, 18)]
    launch(job, path, keep=2)
    (tmp_path / "whole").mkdir()
    launch(job, tmp_path / "whole" / "r.db", keep=2)
    assert {file.name for file in (tmp_path / "weights").glob("*.pt")} == {
        file.name for file in (tmp_path / "whole" / "weights").glob("*.pt")
    }
