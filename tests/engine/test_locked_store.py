"""A launch whose store another program keeps locked: training goes on, and what it brought is recorded afterwards."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from gridsearch import paths
from gridsearch.config.events import EpochRecord, LineageFailed, LineageFinished, TrialState
from gridsearch.engine.executors import inline
from gridsearch.engine.run.planning import plan_job
from gridsearch.store.connection import journal_mode
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import ordinarily
from tests.engine.launching import Notes, assert_alike, driver_of, launch, prepared, table
from tests.store.locking import READER, WRITER, Holder, held

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(journal_mode() == "wal", reason="a reader keeps no writer waiting where there is a log"),
]


@pytest.mark.parametrize("statements", [READER, WRITER])
def test_training_goes_on_under_a_lock_and_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...]
) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.05)  # so that the lock comes early, however quick the machine is
    job, store_path = prepared(tmp_path, "epochs=[2,200]"), tmp_path / "r.db"
    trained_meanwhile: list[float] = []

    def let_go(other: Holder, since: float) -> None:
        files = [file for file in paths.checkpoint_dir(store_path).rglob("*") if file.is_file()]
        trained_meanwhile.append(max(file.stat().st_mtime for file in files) - since)
        other.let_go()

    def lock() -> None:
        if not threads:
            threads.append(threading.Timer(1.5, let_go, [Holder(store_path, statements), time.time()]))
            threads[0].start()

    threads: list[threading.Timer] = []
    notes = Notes(3, lock)
    assert launch(job, store_path, notes=notes).counts == {TrialState.COMPLETED: 8}
    threads[0].join()
    assert trained_meanwhile[0] > 0.3
    records = [(epoch.lineage_id, epoch.epoch) for epoch in notes.epochs]
    assert len(records) == len(set(records)) == 4 * 201
    launch(job, tmp_path / "whole.db")
    assert_alike(table(store_path), table(tmp_path / "whole.db"))


def test_what_comes_in_under_a_lock_is_done_in_order_afterwards(tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path), tmp_path / "r.db"
    with open_store(store_path) as store:
        driver, notes = driver_of(job, store, store_path)
        driver.enqueue([[[line]] for line in plan_job(job, store).lineages])
        packs = [driver.next_pack() for _ in range(3)]
        first, second, third = (pack.tasks[0] for pack in packs if pack)
        with held(store_path, READER) as other:
            driver.record([EpochRecord(first.lineage_id, 1, 0, 1, 0.1, 1, 0.1, 0.1, 0.1)])
            driver.record([LineageFailed(first.lineage_id, 1, "boom", "Traceback")])
            assert packs[1]
            driver.crashed(packs[1], "the worker died")
            assert driver.next_pack() is None and driver.held_up()
            assert notes.epochs == [] and store.lineages([first.lineage_id])[first.lineage_id].epoch == -1
            other.let_go()
        driver.record([LineageFinished(third.lineage_id, 1)])
        driver.catch_up()
        assert [record.epoch for record in notes.epochs] == [0] and notes.refused == 0
        rows = store.lineages([first.lineage_id, second.lineage_id])
        assert rows[first.lineage_id].epoch == 0
        assert rows[second.lineage_id].launch_id is None
        again = driver.next_pack()
        assert again and [(task.lineage_id, task.attempt) for task in again.tasks] == [(second.lineage_id, 2)]
        assert not driver.held_up()
        assert store.counts("small")[TrialState.FAILED] == 2
        store.close_launch(driver.launch_id, "interrupted")
        assert store.verify() == []


def test_a_stop_under_a_lock_ends_soon_and_what_was_trained_is_found_again(tmp_path: Path) -> None:
    job, store_path = prepared(tmp_path, "epochs=[2,40]"), tmp_path / "r.db"
    stopping = threading.Event()
    held_by: list[Holder] = []
    stopped_at: list[float] = []

    def stop() -> None:
        stopped_at.append(time.monotonic())
        stopping.set()

    def lock() -> None:
        if not held_by:
            held_by.append(Holder(store_path, READER))
            threading.Timer(1.0, stop).start()

    with ordinarily(endless=True, stop=stopping.is_set):
        assert launch(job, store_path, notes=Notes(3, lock), stopping=stopping.is_set).interrupted
    assert time.monotonic() - stopped_at[0] < 10
    held_by[0].let_go()
    assert launch(job, store_path).counts == {TrialState.COMPLETED: 8}
    launch(job, tmp_path / "whole.db")
    assert_alike(table(store_path), table(tmp_path / "whole.db"))
