"""Launches in this process, on a real store and real digits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from gridsearch import paths
from gridsearch.config.events import EpochRecord, LineageFinished, TrialState
from gridsearch.engine.executors import inline
from gridsearch.engine.executors.base import TaskQueue, WorkerSettings
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.run import heartbeat
from gridsearch.engine.run.driver import Driver
from gridsearch.engine.run.liveness import own_process
from gridsearch.engine.run.planning import plan_job
from gridsearch.errors import DataError, JobError, ModelError, StorageError
from gridsearch.store.opening import open_store
from gridsearch.store.processes import process_table
from gridsearch.store.signs_of_life import LEASE_BEATS
from gridsearch.training import checkpoints
from tests.engine.launching import Notes, assert_alike, launch, prepared, table


@pytest.fixture(autouse=True)
def _report_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)


def test_a_launch_trains_each_lineage_once_and_every_trial_gets_its_numbers(tmp_path: Path) -> None:
    notes = Notes()
    end = launch(prepared(tmp_path), tmp_path / "r.db", notes=notes)
    assert (end.counts, end.interrupted, end.failed) == ({TrialState.COMPLETED: 8}, False, 0)
    assert len(notes.epochs) == 4 * (3 + 1)
    with open_store(tmp_path / "r.db", create=False) as store:
        for trial in store.trials("small"):
            last = store.epochs([trial.lineage_id])[trial.epochs]
            assert (trial.val_loss, trial.val_accuracy) == (last.val_loss, last.val_accuracy)


def test_launching_again_trains_nothing(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    launch(job, tmp_path / "r.db")
    notes = Notes()
    launch(job, tmp_path / "r.db", notes=notes)
    assert notes.epochs == []
    with open_store(tmp_path / "r.db", create=False) as store:
        assert store.job("small").revision == 1


def test_a_value_added_to_an_axis_trains_only_the_new_corner(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    wider, notes = prepared(tmp_path, "neurons=[10,15]"), Notes()
    with open_store(tmp_path / "r.db", create=False) as store:
        plan = plan_job(wider, store)
    assert (plan.new, plan.done, len(plan.lineages)) == (8, 8, 4)
    launch(wider, tmp_path / "r.db", notes=notes)
    assert len(notes.epochs) == 4 * 4
    whole = tmp_path / "whole.db"
    launch(wider, whole)
    assert_alike(table(tmp_path / "r.db"), table(whole))


def test_raising_epochs_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    longer, notes = prepared(tmp_path, "epochs=[1,3,5]"), Notes()
    launch(longer, tmp_path / "r.db", notes=notes)
    assert {record.epoch for record in notes.epochs} == {4, 5}
    launch(longer, tmp_path / "whole.db")
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")


def test_a_shorter_reading_is_read_and_not_trained(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    shorter, notes = prepared(tmp_path, "epochs=[1,2,3]"), Notes()
    with open_store(tmp_path / "r.db", create=False) as store:
        assert (plan_job(shorter, store).read, plan_job(shorter, store).epochs) == (4, 0)
    end = launch(shorter, tmp_path / "r.db", notes=notes)
    assert (notes.epochs, end.counts) == ([], {TrialState.COMPLETED: 12})
    launch(shorter, tmp_path / "whole.db")
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")


def test_under_a_schedule_that_needs_the_total_nothing_is_shared(tmp_path: Path) -> None:
    notes = Notes()
    launch(prepared(tmp_path, "schedule=cosine"), tmp_path / "r.db", notes=notes)
    assert len(notes.epochs) == 4 * (1 + 1) + 4 * (3 + 1)


@pytest.mark.parametrize("after", [1, 2, 5, 9, 14])
def test_stopped_at_any_moment_and_resumed_the_table_is_the_same(tmp_path: Path, after: int) -> None:
    stop: list[bool] = []
    first, second = Notes(after, lambda: stop.append(True)), Notes()
    job = prepared(tmp_path)
    end = launch(job, tmp_path / "r.db", notes=first, stopping=lambda: bool(stop))
    assert end.interrupted
    launch(job, tmp_path / "r.db", notes=second)
    launch(job, tmp_path / "whole.db")
    assert table(tmp_path / "r.db") == table(tmp_path / "whole.db")
    assert len(first.epochs) + len(second.epochs) == 4 * 4


def test_without_its_checkpoints_a_lineage_starts_again_and_agrees(tmp_path: Path) -> None:
    import shutil

    launch(prepared(tmp_path), tmp_path / "r.db")
    before = table(tmp_path / "r.db")
    shutil.rmtree(paths.checkpoint_dir(tmp_path / "r.db"))
    longer, notes = prepared(tmp_path, "epochs=[1,3,5]"), Notes()
    launch(longer, tmp_path / "r.db", notes=notes)
    launch(longer, tmp_path / "whole.db")
    after = table(tmp_path / "r.db")
    assert after == table(tmp_path / "whole.db")
    assert {key: after[key] for key in before} == before
    (told,) = notes.notes
    assert told.startswith("the checkpoints of 4 unfinished lineages are missing or damaged")


def test_only_lineages_that_lost_both_checkpoints_are_told_of(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    damaged, *_ = paths.checkpoint_dir(tmp_path / "r.db").iterdir()
    for slot in damaged.iterdir():
        slot.write_bytes(b"damaged")
    notes = Notes()
    launch(prepared(tmp_path, "epochs=[1,3,5]", "learning_rate=[0.1,0.01,0.001]"), tmp_path / "r.db", notes=notes)
    assert [note[:42] for note in notes.notes] == ["the checkpoints of 1 unfinished lineages a"]


def checkpoints_on_a_full_disk(_: Path, patch: pytest.MonkeyPatch) -> None:
    """Have the disk take no more checkpoints."""
    patch.setattr(checkpoints, "write", lambda target, content, **_: Path("/dev/full").write_bytes(content))


def checkpoints_in_no_folder(store: Path, _: pytest.MonkeyPatch) -> None:
    folder = paths.checkpoint_dir(store)
    folder.rename(folder.with_name("moved"))
    folder.write_text("")


WITH_DEV_FULL = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="NOT TESTED: a full disk; this system has no /dev/full, which acts like one"
)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(checkpoints_on_a_full_disk, "No space left on device", marks=WITH_DEV_FULL),
        (checkpoints_in_no_folder, ""),
    ],
)
def test_a_disk_that_takes_no_checkpoint_ends_the_launch_and_charges_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path, pytest.MonkeyPatch], None], why: str
) -> None:
    job, store_path = prepared(tmp_path), tmp_path / "r.db"
    spoiled: list[bool] = []

    def once() -> None:
        if not spoiled:
            spoil(store_path, patch)
            spoiled.append(True)

    refused = pytest.raises(StorageError, match=f"checkpoints in .* cannot be written: {why}.*gridsearch resume")
    with monkeypatch.context() as patch, refused as caught:
        launch(job, store_path, notes=Notes(6, once))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    with open_store(store_path, create=False) as store:
        assert set(store.counts("small")) == {TrialState.COMPLETED, TrialState.PENDING}
        assert store.open_launches() == []
    if spoil is checkpoints_in_no_folder:
        folder = paths.checkpoint_dir(store_path)
        folder.unlink()
        folder.with_name("moved").rename(folder)
    launch(job, store_path)
    launch(job, tmp_path / "whole.db")
    assert table(store_path) == table(tmp_path / "whole.db")


def test_a_failure_whose_log_cannot_be_written_charges_nobody(tmp_path: Path) -> None:
    (tmp_path / "fragile_too.py").write_text(MODEL)
    job = prepared(tmp_path, text=OWN.format(module="fragile_too"))
    logs = paths.log_dir(tmp_path / "r.db")
    logs.parent.mkdir(parents=True)
    logs.write_text("")
    with pytest.raises(StorageError, match="failure logs in"):
        launch(job, tmp_path / "r.db")
    with open_store(tmp_path / "r.db", create=False) as store:
        assert TrialState.FAILED not in store.counts("small")


class Forgetful(InlineExecutor):
    """Loses its first pack without a word, and the driver's memory of it."""

    def run(self, queue: TaskQueue) -> None:
        if isinstance(queue, Driver) and not queue.handed_out:
            queue.next_pack()
            queue.unfinished.clear()
        else:
            super().run(queue)


def test_a_launch_does_not_wait_for_claims_of_its_own(tmp_path: Path) -> None:
    notes = Notes()
    assert launch(prepared(tmp_path), tmp_path / "r.db", notes=notes, make=Forgetful).counts == {
        TrialState.COMPLETED: 8
    }
    assert notes.notes == []


def test_a_stop_while_the_executor_is_made_starts_no_workers(tmp_path: Path) -> None:
    stop: list[bool] = []

    class NeverEntered(InlineExecutor):
        def __enter__(self) -> Self:
            raise AssertionError

    def make(settings: WorkerSettings) -> InlineExecutor:
        stop.append(True)
        return NeverEntered(settings)

    assert launch(prepared(tmp_path), tmp_path / "r.db", stopping=lambda: bool(stop), make=make).interrupted


MODEL = """
from pathlib import Path
from torch import nn

class Fragile(nn.Module):
    def __init__(self, in_features, num_classes, kind):
        super().__init__()
        self.kind = kind
        self.layer = nn.Linear(in_features, num_classes)

    def forward(self, x):
        if self.training and self.kind == "bad" and not Path(__file__).with_name("mended").exists():
            raise RuntimeError("bad kind")
        return self.layer(x.flatten(1))
"""
OWN = """\
name: small
dataset: digits
model: {module}:Fragile
batch_size: 64
learning_rate: 0.1
epochs: 2
space:
  kind: [good, bad, fine]
"""


def test_a_model_that_raises_fails_its_own_trials_and_can_be_retried(tmp_path: Path) -> None:
    (tmp_path / "fragile_model.py").write_text(MODEL)
    job = prepared(tmp_path, text=OWN.format(module="fragile_model"))
    end = launch(job, tmp_path / "r.db")
    assert end.counts == {TrialState.COMPLETED: 2, TrialState.FAILED: 1}
    with open_store(tmp_path / "r.db", create=False) as store:
        failed = next(trial for trial in store.trials("small") if trial.state == "failed")
    assert failed.error == "RuntimeError: bad kind (fragile_model.py:13 in forward)"
    assert failed.log is not None
    assert "in forward" in Path(failed.log).read_text()
    notes = Notes()
    launch(job, tmp_path / "r.db", notes=notes)
    assert notes.epochs == []
    (tmp_path / "mended").touch()
    assert launch(job, tmp_path / "r.db", retry_failed=True).counts == {TrialState.COMPLETED: 3}
    assert table(tmp_path / "r.db")


def test_divergence_is_a_result(tmp_path: Path) -> None:
    job = prepared(tmp_path, "learning_rate=[0.1,1e30]")
    end = launch(job, tmp_path / "r.db")
    assert end.counts[TrialState.DIVERGED] == 4
    assert (end.failed, end.interrupted) == (0, False)
    notes = Notes()
    launch(prepared(tmp_path, "learning_rate=[0.1,1e30]", "epochs=[1,3,9]"), tmp_path / "r.db", notes=notes)
    assert {record.epoch for record in notes.epochs} == {4, 5, 6, 7, 8, 9}
    assert table(tmp_path / "r.db")


def test_a_stale_result_is_refused(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), "", job.new_trials())
        launch_id = store.open_launch("small", *own_process(), 1)
        driver = Driver(store, tmp_path / "r.db", launch_id, stopping=lambda: False)
        notes = Notes()
        driver.listener = notes
        driver.enqueue([[list(plan_job(job, store).lineages)]])
        pack = driver.next_pack()
        assert pack is not None
        task = pack.tasks[0]
        driver.record([LineageFinished(task.lineage_id, task.attempt - 1)])
        assert notes.refused == 1
        assert driver.next_pack() is None


def test_a_crashed_pack_is_handed_out_again_in_halves_until_one_is_blamed(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), "", job.new_trials())
        launch_id = store.open_launch("small", *own_process(), 1)
        driver = Driver(store, tmp_path / "r.db", launch_id, stopping=lambda: False)
        driver.enqueue([[list(plan_job(job, store).lineages)]])
        pack = driver.next_pack()
        assert pack is not None
        assert len(pack.tasks) == 4
        driver.record([LineageFinished(pack.tasks[3].lineage_id, 1)])
        driver.crashed(pack, "the worker died\nof something")
        pair, single = driver.next_pack(), driver.next_pack()
        assert pair is not None and single is not None
        assert driver.next_pack() is None
        assert [len(half.tasks) for half in (pair, single)] == [2, 1]
        assert {task.attempt for half in (pair, single) for task in half.tasks} == {2}
        driver.crashed(pair, "the worker died\nof something")
        alone = driver.next_pack()
        assert alone is not None and len(alone.tasks) == 1
        assert alone.tasks[0].attempt == 3
        driver.crashed(alone, "the worker died\nof something")
        failed = [trial for trial in store.trials("small") if trial.state == "failed"]
        assert {trial.lineage_id for trial in failed} == {alone.tasks[0].lineage_id}
        assert failed[0].error == "its worker died 3 times: the worker died"


def test_a_death_is_forgiven_once_the_lineage_has_made_an_epoch_since(tmp_path: Path) -> None:
    job = prepared(tmp_path, "batch_size=64", "learning_rate=0.1")
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), "", job.new_trials())
        launch_id = store.open_launch("small", *own_process(), 1)
        driver = Driver(store, tmp_path / "r.db", launch_id, stopping=lambda: False)
        driver.enqueue([[list(plan_job(job, store).lineages)]])
        for epoch in range(3):
            pack = driver.next_pack()
            assert pack is not None
            (task,) = pack.tasks
            driver.record([EpochRecord(task.lineage_id, task.attempt, epoch, 1, 0.1, 1, 0.1, 0.1, 0.1)])
            driver.crashed(pack, "the worker died")
        assert TrialState.FAILED not in store.counts("small")
        for _ in range(2):
            pack = driver.next_pack()
            if pack is not None:
                driver.crashed(pack, "the worker died")
        assert store.counts("small")[TrialState.FAILED] == 1


def test_the_claims_of_a_dead_launch_are_taken_over(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), "", job.new_trials())
        host, pid, started = own_process()
        dead = store.open_launch("small", host, pid, started - 1, 1, process_table())
        assert store.claim(dead, {lineage.lineage_id: 3 for lineage in plan_job(job, store).lineages})
    assert launch(job, tmp_path / "r.db").counts == {TrialState.COMPLETED: 8}
    with open_store(tmp_path / "r.db", create=False) as store:
        assert store.open_launches() == []
    assert table(tmp_path / "r.db")


@pytest.mark.parametrize("beat_seconds", [0.05, 60.0], ids=["noticed at a beat", "noticed at a claim"])
def test_a_launch_that_was_given_up_says_so_and_goes_on_as_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beat_seconds: float
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", beat_seconds)
    job = prepared(tmp_path, "epochs=[1,20]")

    def give_up() -> None:
        with open_store(tmp_path / "r.db", create=False) as store:
            store.close_launch(1, "lost")

    notes = Notes(6, give_up)
    assert launch(job, tmp_path / "r.db", notes=notes).counts == {TrialState.COMPLETED: 8}
    assert [note for note in notes.notes if "launch 1 was silent for so long" in note]
    records = [(epoch.lineage_id, epoch.epoch) for epoch in notes.epochs]
    launch(job, tmp_path / "whole.db")
    assert_alike(table(tmp_path / "r.db"), table(tmp_path / "whole.db"))
    with open_store(tmp_path / "r.db", create=False) as store:
        assert len(store.job_epochs("small")) == 4 * 21 <= len(records)


def test_another_job_of_the_same_name_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    before = table(tmp_path / "r.db")
    other = prepared(
        tmp_path,
        "model=deep2",
        "space={batch_size: 64, epochs: 1, learning_rate: 0.1, neurons_1: 5, neurons_2: 5}",
    )
    with pytest.raises(JobError, match="another job 'small', which trains the model 'shallow', this file 'deep2'"):
        launch(other, tmp_path / "r.db")
    assert table(tmp_path / "r.db") == before


@pytest.mark.parametrize(
    ("overrides", "error", "fragment"),
    [
        (
            ["batch_size=[64,2000]"],
            JobError,
            "batch_size: 2000 is larger than the training set of 1294 images",
        ),
        (["dataset=mnits"], DataError, "did you mean 'mnist'"),
        (["dataset=./none.npz"], DataError, "none.npz"),
        (["model=shalow"], ModelError, "did you mean 'shallow'"),
        (
            ["space.neuron=[3]"],
            ModelError,
            "'neuron' is neither a recipe key nor a setting of model 'shallow'",
        ),
        (["split.test=5000"], DataError, "split"),
        (["neurons=[-5]"], ModelError, "cannot be built with neurons=-5"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, overrides: list[str], error: type[Exception], fragment: str
) -> None:
    with pytest.raises(error) as caught:
        prepared(tmp_path, *overrides)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_store_may_hold_many_jobs_that_share_trials(tmp_path: Path) -> None:
    launch(prepared(tmp_path), tmp_path / "r.db")
    notes = Notes()
    launch(prepared(tmp_path, "name=other", "epochs=[3]"), tmp_path / "r.db", notes=notes)
    assert notes.epochs == []
    assert len(table(tmp_path / "r.db", "other")) == 4


def test_repeats_over_data_seeds_split_and_order_anew(tmp_path: Path) -> None:
    notes = Notes()
    launch(
        prepared(tmp_path, "data_seed=[0,1]", "epochs=1", "batch_size=64", "learning_rate=0.1"),
        tmp_path / "r.db",
        notes=notes,
    )
    assert len(notes.epochs) == 4
    zero, one = ([replace(e, seconds=0, lineage_id="") for e in notes.epochs[i : i + 2]] for i in (0, 2))
    assert zero != one


def test_a_silent_launch_that_holds_nothing_that_is_wanted_is_closed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    store_path = tmp_path / "r.db"
    with open_store(store_path) as store:
        store.put_job("left", {}, "", [])
        silent = store.open_launch("left", "elsewhere", 1, 0.0, 1)

    def wait_for_its_lease() -> None:
        while own_beat() < LEASE_BEATS + 1:
            time.sleep(0.01)

    def own_beat() -> int:
        with open_store(store_path, read_only=True) as store:
            return max(row.beat for row in store.open_launches())

    notes = Notes(1, wait_for_its_lease)
    launch(prepared(tmp_path), store_path, notes=notes)
    assert notes.notes == [note for note in notes.notes if note.startswith(f"launch {silent} (process 1 on elsewhere")]
    assert len(notes.notes) == 1
    with open_store(store_path) as store:
        assert store.open_launches() == []
        assert {"outcome": "lost"} in [row.detail for row in store.events(job="left")]
