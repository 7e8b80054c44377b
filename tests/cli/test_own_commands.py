"""Commands of users' through the command line: inline and with Ray, killed, timed out and cleaned up after."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gridsearch.store.opening import open_store
from tests.cli import program
from tests.cli.program import refused, run
from tests.warm.processes import Warm

#: A training that hangs at one rate, together with a child that has left its group, until it is told to go.
TRAIN = """
echo $$ >> started
[ "$1" != 0.3 ] || [ -e go ] || { setsid sleep 86399 & sleep 86399; }
for e in 1 2; do echo epoch $e acc=$1$e; done
"""
JOB = r"""
name: mine
command: sh train.sh {rate}
metrics_from: {stdout: 'epoch (?P<epoch>\d+) acc=(?P<acc>[\d.]+)'}
space: {rate: [0.1, 0.2, 0.3], epochs: [2]}
objective: {metric: acc}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.sh").write_text(TRAIN)
    (tmp_path / "mine.yaml").write_text(JOB)
    return tmp_path


def ours(folder: Path) -> list[psutil.Process]:
    """Return the processes that trainings in a folder have started."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.cwd() == str(folder) and one.name() in ("sh", "sleep"):
                found.append(one)
        except psutil.Error:
            continue
    return found


def hangs(folder: Path) -> bool:
    """Return whether the training hangs: one script, and two that sleep, none of them its copy any more."""
    names = []
    for one in ours(folder):
        with contextlib.suppress(psutil.Error):
            names.append(one.name())
    return sorted(names) == ["sh", "sleep", "sleep"]


def pipes(pid: int) -> set[str]:
    """Return the pipes that a process has; the guard of a worker is no child of it."""
    links = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.add(str(descriptor.readlink()))
    return {link for link in links if link.startswith("pipe:")}


def until(holds: Callable[[], bool], seconds: float = 180.0, said: Path | None = None) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, said and said.read_text()
        time.sleep(0.05)


def start(folder: Path, *options: str) -> Warm:
    with (folder / "said").open("w") as said:
        streams = {"stdout": said.fileno(), "stderr": said.fileno()}
        launched = ("launch", "mine.yaml", "--no-dashboard", *options)
        return program.start(folder, *launched, **streams, start_new_session=True)


def states(folder: Path) -> dict[float, str]:
    with open_store(folder / "results.db", create=False) as store:
        assert store.verify() == []
        return {json.loads(row.config)["hyper"]["rate"]: str(row.state) for row in store.trials("mine")}


def test_a_kill_leaves_nothing_and_clean_waits_for_the_end(folder: Path) -> None:
    process = start(folder, "--inline")
    until(lambda: hangs(folder))
    refused(run(folder, "clean", "--yes"), "is training; stop it first", code=4)
    process.kill()
    process.wait()
    until(lambda: not ours(folder), 15.0)
    assert sorted(states(folder).values()) == ["completed", "completed", "running"]

    shown = run(folder, "clean")
    assert "would remove the files of 2 trials" in shown.out
    assert "those of 1 trial still to train stay; run it with --yes" in shown.out
    assert len(list((folder / "runs" / "mine").glob("[0-9a-f]*"))) == 3
    assert "removed the files of 2 trials" in run(folder, "clean", "mine", "--yes").out
    assert len(list((folder / "runs" / "mine").glob("[0-9a-f]*"))) == 1

    (folder / "go").touch()
    ended = run(folder, "launch", "mine.yaml", "--inline", "--no-dashboard")
    with open_store(folder / "results.db", create=False) as store:
        # What another program trains with is not known.
        assert [name for name, _ in store.launches("mine")[-1].origin.versions] == ["gridsearch", "Python"]
    assert (ended.code, set(states(folder).values())) == (0, {"completed"}), ended.err
    found = json.loads(run(folder, "clean", "--yes", "--format", "json").out)
    assert (found["removed"], found["jobs"][0]["trials"], found["kept"]) == (True, 1, 0)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("options", [("--inline",), pytest.param(("--workers", "2"), marks=pytest.mark.slow)])
def test_a_timeout_costs_that_trial_alone(folder: Path, options: tuple[str, ...]) -> None:
    ended = run(folder, "launch", "mine.yaml", "--no-dashboard", "--trial-timeout", "4s", *options)
    assert ended.code == 1, ended.err
    assert states(folder) == {0.1: "completed", 0.2: "completed", 0.3: "failed"}
    assert not ours(folder)
    assert len((folder / "started").read_text().split()) == 3
    (failed,) = json.loads(run(folder, "top", "mine", "--state", "failed", "-f", "json").out)
    assert "no epoch within 4s (--trial-timeout)" in failed["error"]


@pytest.mark.slow
def test_kills_of_workers_and_of_a_launch_with_ray_leave_nothing(folder: Path) -> None:
    process = start(folder, "--workers", "2")
    until(lambda: hangs(folder))
    (shell,) = [one for one in ours(folder) if one.name() == "sh"]
    guard = psutil.Process(shell.ppid())
    (worker,) = [
        one for one in psutil.Process(process.pid).children(recursive=True) if pipes(one.pid) & pipes(guard.pid)
    ]
    worker.kill()
    until(lambda: not guard.is_running() and not shell.is_running(), 15.0)
    until(lambda: hangs(folder), said=folder / "said")  # it is tried once more
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not ours(folder), 30.0)
    (folder / "go").touch()
    ended = run(folder, "launch", "mine.yaml", "--no-dashboard", "--inline")
    assert (ended.code, set(states(folder).values())) == (0, {"completed"}), ended.err
