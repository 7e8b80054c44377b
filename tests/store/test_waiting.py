from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from gridsearch.errors import EXIT_STORE_BUSY, StoreLockedError
from gridsearch.store import lock_holders, waiting
from gridsearch.store.connection import journal_mode
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import GRACE_SECONDS, Patience
from tests.store.grids import JOB, SOURCE, SPEC, grid, make_store
from tests.store.locking import READER, WRITER, Holder, held

pytestmark = pytest.mark.skipif(journal_mode() == "wal", reason="a reader keeps no writer waiting where there is a log")


@pytest.fixture
def made(path: Path) -> Path:
    make_store(path, grid()).close()
    return path


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> tuple[Patience, list[str]]:
    monkeypatch.setattr(waiting, "TELL_SECONDS", 0.3)
    told: list[str] = []
    return Patience(limit=1.0, note=told.append), told


def test_waits_add_up_to_one_limit_and_say_who_it_is(made: Path, patience: tuple[Patience, list[str]]) -> None:
    patient, told = patience
    with held(made, READER) as other, open_store(made, patience=patient) as store:
        begun = time.monotonic()
        for _ in range(4):
            with pytest.raises(StoreLockedError, match=f"process {other.process.pid} .*has had it locked") as caught:
                store.put_job(JOB, SPEC, "changed", grid())
        assert 1.0 <= time.monotonic() - begun < 3.0
        assert caught.value.exit_code == EXIT_STORE_BUSY
        assert len(told) == 1 and f"locked by process {other.process.pid} (python" in told[0], told
        assert store.job(JOB).source == SOURCE  # whoever waits to write keeps nobody from reading
        other.let_go()
        assert store.put_job(JOB, SPEC, "changed", grid()).revision == 2
        assert "free again" in told[1]


def test_a_wait_for_one_operation_may_be_bounded(made: Path) -> None:
    with open_store(made) as store, held(made, WRITER):
        begun = time.monotonic()
        with pytest.raises(StoreLockedError), store.waiting_at_most(0.2), store.waiting_at_most(60):
            store.jobs()
        assert time.monotonic() - begun < 2


def test_without_limit_it_waits_until_the_lock_is_gone(made: Path, patience: tuple[Patience, list[str]]) -> None:
    patient, told = patience
    patient.limit = None
    with held(made, READER) as other, open_store(made, patience=patient) as store:
        timer = threading.Timer(1.5, other.let_go)
        timer.start()
        assert store.put_job(JOB, SPEC, "changed", grid()).revision == 2
        timer.join()
    assert [text.partition(made.name)[2].split()[1] for text in told] == ["locked", "free"]


def test_opening_and_verifying_wait_no_longer_either(made: Path, patience: tuple[Patience, list[str]]) -> None:
    patient, _ = patience
    with open_store(made, patience=patient, read_only=True) as store, held(made, WRITER):
        for act in (store.verify, lambda: open_store(made, patience=Patience(limit=0.2))):
            begun = time.monotonic()
            with pytest.raises(StoreLockedError):
                act()
            assert time.monotonic() - begun < 5


def test_a_stop_ends_all_waiting_within_its_grace(made: Path) -> None:
    stopping = threading.Event()
    patient = Patience(limit=None, note=lambda text: None, stop=stopping.is_set)
    with held(made, READER), open_store(made, patience=patient) as store:
        timer = threading.Timer(0.5, stopping.set)
        timer.start()
        begun = time.monotonic()
        for _ in range(3):
            with pytest.raises(StoreLockedError):
                store.put_job(JOB, SPEC, "changed", grid())
        assert time.monotonic() - begun < 0.5 + GRACE_SECONDS + 2


def test_an_attempt_much_later_has_a_limit_of_its_own(
    made: Path, patience: tuple[Patience, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, _ = patience
    monkeypatch.setattr(waiting, "FORGET_SECONDS", 0.2)
    with held(made, READER), open_store(made, patience=patient) as store:
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(StoreLockedError):
                store.put_job(JOB, SPEC, "changed", grid())
            assert time.monotonic() - begun >= 0.8
            time.sleep(0.3)


def test_nobody_is_named_where_the_kernel_does_not_tell(made: Path) -> None:
    assert lock_holders.holder(made) is None
    other = Holder(made, WRITER)
    try:
        assert f"process {other.process.pid} (python" in str(lock_holders.holder(made))
    finally:
        other.let_go()
    assert lock_holders.holder(made.with_name("none.db")) is None
