from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from gridsearch.engine.liveness import PATIENCE_SECONDS, Watch, own_process, process_start
from gridsearch.store.rows import LaunchRow

host, pid, started = own_process()
OWN = LaunchRow(1, "j", host, pid, started, 0, 1, datetime(2026, 1, 1, tzinfo=UTC), None, None)


def test_this_process_is_alive_and_one_before_it_with_its_number_is_not() -> None:
    watch = Watch()
    assert watch.is_alive(OWN)
    assert not watch.is_alive(replace(OWN, pid_started=started - 1))


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begun = process_start(child.pid)
    assert begun is not None
    launch = replace(OWN, pid=child.pid, pid_started=begun)
    assert Watch().is_alive(launch)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now, its number still taken
    assert not Watch().is_alive(launch)
    child.communicate()
    assert process_start(child.pid) is None


def test_other_hosts_are_judged_by_their_beats_and_our_stopwatch() -> None:
    now = [0.0]
    watch = Watch(lambda: now[0])
    away = replace(OWN, host="elsewhere 12345678", pid_started=0.0)
    assert watch.is_alive(away)
    now[0] += PATIENCE_SECONDS - 1
    assert watch.is_alive(replace(away, beat=1))
    now[0] += PATIENCE_SECONDS - 1
    assert watch.is_alive(replace(away, beat=1))
    now[0] += 2
    assert not watch.is_alive(replace(away, beat=1))


def test_the_same_machine_before_it_was_booted_is_gone() -> None:
    name = host.split(" ")[0]
    assert not Watch().is_alive(replace(OWN, host=f"{name} 00000000"))
