"""Launches that share a store as it happens: stopped, unseen, with clocks that jump, with the store locked."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gridsearch.store.connection import journal_mode
from tests.cli.paced import hurry, write_paced
from tests.cli.program import JOB, Ended, environment, refused, run, run_program
from tests.engine.launching import assert_alike, table
from tests.store.locking import READER, WRITER, held
from tests.warm.processes import Warm

pytestmark = pytest.mark.slow

#: The command line with short leases, and what else a test wants of it.
PROGRAM = """
import sys
from gridsearch.engine.run import heartbeat, liveness
from gridsearch.store import signs_of_life, waiting
heartbeat.BEAT_SECONDS, liveness.LEASE_BEATS = 0.2, 15
liveness.SILENT_SECONDS = signs_of_life.SILENT_SECONDS = 1.0
signs_of_life.LOST_SECONDS = 15 * 0.2
{more}
from gridsearch.cli.main import main
main()
"""
#: A clock that goes back and forth by hours and years.
JUMPING = """
import random
from datetime import UTC, datetime, timedelta
from gridsearch.store import sqlite
sqlite._now = lambda: datetime.now(UTC) + timedelta(hours=random.choice([-90_000, -3, 0, 5, 90_000]))
"""
IN_A_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def namespaces_permitted() -> bool:
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True, check=False).returncode
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, ...]]:
    """The table of a run that nothing disturbed."""
    place = tmp_path_factory.mktemp("whole")
    write_paced(place, slow=False)
    assert run(place, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    return table(place / "results.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_paced(tmp_path)
    return tmp_path


LAUNCH = ("launch", "small.yaml", "--inline", "--no-dashboard")


def start(folder: Path, *, more: str = "") -> Warm:
    return Warm(["-c", PROGRAM.format(more=more), *LAUNCH], cwd=folder, env=environment())


def start_unseen(folder: Path, *, more: str = "") -> subprocess.Popen[str]:
    """Start a launch that sees no process but its own, and whose number here is none there."""
    command = [*IN_A_NAMESPACE, sys.executable, "-c", PROGRAM.format(more=more), *LAUNCH]
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def asked(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "results.db", timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def wait_for(folder: Path, statement: str, process: Warm | subprocess.Popen[str]) -> None:
    """Wait until the statement finds something in the store of a program that runs."""
    deadline = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < deadline:
        if (folder / "results.db").exists():
            try:
                if asked(folder, statement)[0][0]:
                    return
            except (sqlite3.OperationalError, IndexError):
                pass
        time.sleep(0.05)
    raise AssertionError((process.poll(), process.communicate()[1] if process.poll() is not None else "no progress"))


def ended(process: Warm | subprocess.Popen[str]) -> Ended:
    _, err = process.communicate(timeout=300)
    return Ended(process.returncode, "", err)


def stop_outside_a_transaction(folder: Path, process: Warm) -> None:
    """Stop a program at a moment at which it does not keep the store locked: nobody could take over then."""
    for _ in range(50):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        with closing(sqlite3.connect(folder / "results.db", timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
                return
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.03)
    raise AssertionError("always within a transaction")


EPOCHS = "SELECT count(*) >= 6 FROM epochs"


def test_one_that_is_stopped_loses_its_lease_and_goes_on_as_another_launch(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    stopped = start(folder)
    other = None
    try:
        wait_for(folder, EPOCHS, stopped)
        stop_outside_a_transaction(folder, stopped)
        time.sleep(1.2)
        assert "its process exists, but is suspended" in " ".join(run_quick(folder, "status").out.split())
        other = start(folder)
        wait_for(folder, "SELECT count(*) FROM launches WHERE outcome = 'lost'", other)
        stopped.send_signal(signal.SIGCONT)
        wait_for(folder, "SELECT count(*) >= 3 FROM launches", other)
        hurry(folder)
        first, second = ended(stopped), ended(other)
    finally:
        for process in (stopped, other):
            if process:
                process.kill()
    assert (first.code, second.code) == (0, 0), (first.err, second.err)
    assert "launch 1 was silent for so long" in first.err and "continues as a new launch" in first.err
    assert f"(process {stopped.pid} on " in second.err and "is lost: its trials continue here" in second.err
    assert "Traceback" not in first.err + second.err
    assert_alike(table(folder / "results.db"), whole)
    assert asked(folder, "SELECT count(*), count(DISTINCT lineage || ' ' || epoch) FROM epochs") == [(124, 124)]


@pytest.mark.skipif(not namespaces_permitted(), reason="PID namespaces need the right to make them")
def test_one_that_cannot_be_seen_is_alive_while_it_beats_whatever_the_clocks_say(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    unseen = start_unseen(folder, more=JUMPING)
    wait_for(folder, EPOCHS, unseen)
    other = start(folder, more=JUMPING)
    wait_for(folder, "SELECT count(*) = 2 FROM launches", other)
    time.sleep(4)  # longer than a lease
    hurry(folder)
    first, second = ended(unseen), ended(other)
    assert (first.code, second.code) == (0, 0), (first.err, second.err)
    assert {row[0] for row in asked(folder, "SELECT outcome FROM launches")} == {"complete"}
    assert {row[0] for row in asked(folder, "SELECT attempt FROM lineages")} == {1}
    assert_alike(table(folder / "results.db"), whole)


@pytest.mark.skipif(not namespaces_permitted(), reason="PID namespaces need the right to make them")
def test_one_that_died_unseen_is_taken_over_when_its_lease_ends(
    folder: Path, whole: dict[str, tuple[object, ...]]
) -> None:
    unseen = start_unseen(folder)
    wait_for(folder, EPOCHS, unseen)
    unseen.kill()  # and with it all of its namespace
    unseen.communicate()
    hurry(folder)
    second = ended(start(folder))
    assert second.code == 0, second.err
    assert [row[0] for row in asked(folder, "SELECT outcome FROM launches ORDER BY id")] == ["lost", "complete"]
    assert_alike(table(folder / "results.db"), whole)


def run_quick(folder: Path, *arguments: str, more: str = "") -> Ended:
    return run_program(folder, PROGRAM.format(more=more), *arguments)


@pytest.mark.skipif(journal_mode() == "wal", reason="a reader keeps no writer waiting where there is a log")
@pytest.mark.parametrize("signals", [1, 2])
def test_interrupted_while_the_store_is_locked_it_ends_in_seconds_and_resumes(
    folder: Path, whole: dict[str, tuple[object, ...]], signals: int
) -> None:
    process = start(folder)
    wait_for(folder, EPOCHS, process)
    with held(folder / "results.db", READER) as other:
        time.sleep(3.5)
        before = time.monotonic()
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        stopped = ended(process)
        assert time.monotonic() - before < 25  # the goal is 5 s; a loaded machine is given more
    hurry(folder)
    assert stopped.code == 130, stopped.err
    assert stopped.err.count(f"is locked by process {other.process.pid} (python") == 1
    assert "Traceback" not in stopped.err
    again = run(folder, "resume", "--inline", "--no-dashboard")
    assert again.code == 0, again.err
    assert_alike(table(folder / "results.db"), whole)


def test_a_command_that_reads_gives_up_after_one_limit(folder: Path) -> None:
    (folder / "small.yaml").write_text(JOB)
    assert run(folder, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    limit = "waiting.ORDINARY.limit = 0.5"
    with held(folder / "results.db", WRITER) as other:
        for command in (["status"], ["top", "small"], ["evaluate", "small"], ["verify"]):
            ended = run_quick(folder, *command, more=limit)
            refused(ended, f"process {other.process.pid} (python", "wait for it or stop it", code=4)
