"""What asks to stop means the same everywhere: signals, and readers and terminals that go away."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import JOB, command, environment
from tests.warm.processes import Warm

LONG = JOB.replace("epochs: [1, 3]", "epochs: [2000]")


def start(folder: Path, *, stderr: int) -> Warm:
    (folder / "small.yaml").write_text(LONG)
    launched = ("launch", "small.yaml", "--inline", "--no-dashboard")
    return program.start(folder, *launched, stdout=subprocess.DEVNULL, stderr=stderr)


def wait_for_epochs(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with closing(sqlite3.connect(f"file:{folder / 'results.db'}?mode=ro", uri=True, timeout=30)) as connection:
                if connection.execute("SELECT count(*) FROM epochs").fetchone()[0] >= count:
                    return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.05)
    raise AssertionError("no progress")


def outcomes(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        return [outcome for (outcome,) in connection.execute("SELECT outcome FROM launches")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_ends_a_launch_in_order(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, stderr=subprocess.PIPE)
    wait_for_epochs(tmp_path, 5)
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted, nothing is lost; continue with: gridsearch resume small"
    assert outcomes(tmp_path) == ["interrupted"]


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_ends_a_launch_in_order(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = start(tmp_path, stderr=writing)
    os.close(writing)
    wait_for_epochs(tmp_path, 5)
    os.close(reading)
    assert process.wait(timeout=60) == 130
    assert outcomes(tmp_path) == ["interrupted"]


@pytest.mark.slow
def test_a_terminal_that_hangs_up_ends_a_launch_in_order(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = start(tmp_path, stderr=theirs)
    os.close(theirs)
    wait_for_epochs(tmp_path, 5)
    os.close(ours)  # from here on every write fails
    time.sleep(1)
    assert process.poll() is None, "what nohup protects goes on"
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 130
    assert outcomes(tmp_path) == ["interrupted"]


def test_who_does_not_read_where_the_page_is_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(JOB)
    reading, writing = os.pipe()
    os.close(reading)
    ended = program.ended(program.start(tmp_path, "launch", "small.yaml", "--inline", stdout=writing))
    os.close(writing)
    assert ended.code == 0, ended.err
    assert (tmp_path / "dashboards" / "small.html").exists()
    assert "Error" not in ended.err
    assert outcomes(tmp_path) == ["complete"]


def test_data_that_nobody_reads_ends_a_command_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        command("schema"), cwd=tmp_path, env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
@pytest.mark.parametrize("moment", ["typer", "gridsearch.store.opening"])
def test_a_signal_during_any_command_and_its_imports_is_one_word(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    program = f"""
import os, sys

class StopAtImport:
    def find_spec(self, name, path=None, target=None):
        if name == {moment!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {int(number)})

sys.meta_path.insert(0, StopAtImport())
from gridsearch.cli.start import main
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, "status"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "stopped\n")


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); from gridsearch.engine.run.interruption"
    )
    program += " import *; raise_on_signals(); Interruption().__enter__(); print(signal.getsignal(signal.SIGHUP))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() in {"Handlers.SIG_IGN", "1"}


def test_what_does_not_stop_in_time_is_stopped(tmp_path: Path) -> None:
    program = """
import os, signal, time
from gridsearch.engine.run import interruption
interruption.PATIENCE_SECONDS = 0.3
with interruption.Interruption() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        print("woken")
"""
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "woken\n"
    assert time.monotonic() - began < 20
