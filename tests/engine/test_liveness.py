from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gridsearch.engine.run.liveness import Watch, described, own_process
from gridsearch.store import processes
from gridsearch.store.processes import process_start, process_table, surely_gone
from gridsearch.store.rows import LaunchRow
from gridsearch.store.signs_of_life import LEASE_BEATS, is_gone, silent_seconds

host, pid, started = own_process()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OWN = LaunchRow(1, "j", host, pid, started, 0, 1, NOON, None, None, process_table())


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_is_there_is_not_gone_and_one_before_it_with_its_number_is() -> None:
    assert not is_gone(OWN)
    assert is_gone(replace(OWN, pid_started=started - 1))
    assert not is_gone(replace(OWN, pid_started=0.0))  # when it started was not to be learned


def test_a_process_that_ended_is_gone(child: subprocess.Popen[bytes]) -> None:
    begun = process_start(child.pid)
    assert begun is not None
    launch = replace(OWN, pid=child.pid, pid_started=begun)
    assert not is_gone(launch)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now, its number still taken
    assert is_gone(launch)
    child.communicate()
    assert process_start(child.pid) is None
    assert is_gone(launch)
    assert Watch().is_lost(launch)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "another"},
        {"process_table": "another boot pid:[1]"},
        {"process_table": f"{(process_table() or '').partition(' ')[0]} pid:[1]"},
        {"process_table": None},
    ],
)
def test_a_process_of_another_table_is_never_taken_for_gone(elsewhere: dict[str, str | None]) -> None:
    launch = replace(OWN, pid=2**22 + 1, **elsewhere)  # beyond every number that Linux gives
    assert surely_gone(launch.pid, started)
    assert not is_gone(launch)


def test_a_process_that_is_hidden_is_not_gone(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    # What /proc mounted with hidepid=2 shows of another user's process: nothing, while its number is taken.
    monkeypatch.setattr(processes, "process_start", lambda pid: None)
    monkeypatch.setattr(processes, "_is_zombie", lambda pid: False)
    assert not surely_gone(child.pid, 1.0)


@pytest.mark.parametrize("number", [0, -1, -(2**40)])
def test_no_number_of_a_damaged_store_is_a_process(number: int) -> None:
    assert not surely_gone(number, 1.0)


def test_silence_is_counted_in_our_own_beats() -> None:
    beats = 0
    watch = Watch(lambda: beats)
    away = replace(OWN, host="elsewhere")
    assert not watch.is_lost(away)
    beats += LEASE_BEATS - 1
    assert not watch.is_lost(replace(away, beat=1))
    beats += LEASE_BEATS - 1
    assert not watch.is_lost(replace(away, beat=1))
    beats += 1
    assert watch.is_lost(replace(away, beat=1))
    assert not watch.is_lost(replace(away, beat=2))


def test_a_stopped_process_loses_its_lease_though_it_is_there(child: subprocess.Popen[bytes]) -> None:
    begun = process_start(child.pid)
    assert begun is not None
    child.send_signal(signal.SIGSTOP)
    beats = 0
    watch = Watch(lambda: beats)
    launch = replace(OWN, pid=child.pid, pid_started=begun)
    assert not watch.is_lost(launch)
    beats += LEASE_BEATS
    assert watch.is_lost(launch)
    assert not is_gone(launch)


def test_silence_is_shown_from_the_last_beat_and_never_negative() -> None:
    assert silent_seconds(OWN, NOON + timedelta(seconds=40)) == 40
    beaten = replace(OWN, beat_at=NOON + timedelta(hours=1))
    assert silent_seconds(beaten, NOON) == 0  # a clock was put back
    assert "silent for" in described(OWN)
    assert described(replace(OWN, beat_at=datetime.now(UTC))) == f"launch 1 (process {pid} on {host})"
