"""A worker that is silent for too long ends itself, whatever keeps it; the driver learns why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridsearch.config.durations import duration_text, seconds_of
from gridsearch.config.events import TrialState
from gridsearch.engine.run.driver import Driver
from gridsearch.engine.run.liveness import own_process
from gridsearch.engine.run.planning import plan_job
from gridsearch.engine.run.silence import Silences, Watchdog
from gridsearch.store.opening import open_store
from tests.engine.launching import prepared

WORKER = """
import ctypes, sys, time
from pathlib import Path
from gridsearch.engine.run.silence import Watchdog

def events():
    for number in range(4):
        time.sleep(0.4)
        yield number
    forward()

def forward():
    ctypes.PyDLL(None).sleep(600)  # holds Python's lock

watchdog = Watchdog(1.5, Path(sys.argv[1]))
watchdog.name = "pack"
for event in watchdog.watched(events()):
    print(event, flush=True)
"""


def test_native_code_that_never_returns_is_ended_and_named(tmp_path: Path) -> None:
    """Many short steps take longer together than the limit, and are left alone."""
    ended = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert (ended.returncode, ended.stdout.split()) == (1, ["0", "1", "2", "3"]), ended.stderr
    reason, _, where = Silences(1.5, tmp_path).account("pack").partition("\n")
    assert reason == "no epoch within 1.5s (--trial-timeout)"
    assert "in forward" in where


def test_a_worker_that_died_of_something_else_was_not_silent(tmp_path: Path) -> None:
    (tmp_path / "at work").write_text("")
    silences = Silences(0.01, tmp_path)
    assert silences.account("at work") == ""
    assert silences.account("never begun") == ""
    assert Silences(None, tmp_path).account("at work") == ""


def test_without_a_limit_nothing_is_written(tmp_path: Path) -> None:
    watchdog = Watchdog(None, tmp_path / "silent")
    assert list(watchdog.watched(iter([1, 2]))) == [1, 2]
    assert not (tmp_path / "silent").exists()


def test_what_silenced_a_worker_waits_and_is_halved_until_one_is_blamed_at_once(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    with open_store(tmp_path / "r.db") as store:
        store.put_job("small", job.record().as_json(), "", job.new_trials())
        launch_id = store.open_launch("small", *own_process(), 1)
        driver = Driver(store, tmp_path / "r.db", launch_id, stopping=lambda: False)
        first, second, third, other = plan_job(job, store).lineages
        driver.enqueue([[[first, second, third]], [[other]]])
        pack = driver.next_pack()
        assert pack and len(pack.tasks) == 3
        driver.crashed(pack, "no epoch within 1s (--trial-timeout)\n\nwhere", silent=True)
        sound = driver.next_pack()
        assert sound and [task.lineage_id for task in sound.tasks] == [other.lineage_id]
        pair, alone = driver.next_pack(), driver.next_pack()
        assert pair and alone and (len(pair.tasks), len(alone.tasks)) == (2, 1)
        driver.crashed(alone, "no epoch within 1s (--trial-timeout)\n\nwhere", silent=True)
        assert driver.next_pack() is None
        failed = [row for row in store.trials("small") if row.state == TrialState.FAILED]
        assert {row.lineage_id for row in failed} == {third.lineage_id}
        assert {row.error for row in failed} == {"no epoch within 1s (--trial-timeout)"}


@pytest.mark.parametrize("written", ["", "m", "30", "-3s", "0s", "1x", "1s1m", "nan", "1e3s", "99999999999d"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it like 90s, 30m, 1h30m or 2d"):
        seconds_of(written)


@pytest.mark.parametrize("written", ["90s", "30m", "1.5h", "2d", "1h30m", " 5M "])
def test_a_duration_is_read_as_it_is_written(written: str) -> None:
    assert seconds_of(duration_text(seconds_of(written))) == seconds_of(written)
