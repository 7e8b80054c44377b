"""Commands that run a user's model live on, whatever it does, and say what it did."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gridsearch import paths
from tests.cli.program import JOB, command, environment, refused, run, start

pytestmark = pytest.mark.slow

#: It does what a file `act` beside it says, at the moment that the file says; its source stays what it was.
NET = """
import atexit, ctypes, os, signal, subprocess, sys, threading, time
from pathlib import Path
from torch import nn

ACT = Path(__file__).with_name("act")
STARTED = []

def act(moment):
    at, what = ACT.read_text().split() if ACT.exists() else ("", "")
    if at == moment:
        {
            "exit": lambda: os._exit(7), "segv": lambda: ctypes.string_at(0), "hang": lambda: time.sleep(600),
            "deaf": deaf, "willing": willing, "forked": forked, "closed": closed, "late": late, "threaded": threaded,
        }[what]()

def willing():
    ACT.with_name("acting").touch()
    time.sleep(600)

def forked():
    if os.fork() == 0:
        sys.exit(0)  # the copy comes to its end as its program does
    time.sleep(1)
    os._exit(0)

def closed():
    os.closerange(0, 3)
    raise ValueError("closed")

def late():
    atexit.register(lambda: os._exit(0))
    raise ValueError("late")

def threaded():
    threading.Thread(target=lambda: time.sleep(600)).start()

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    STARTED.append(subprocess.Popen(["sleep", "600"]))
    ACT.with_name("acting").touch()
    time.sleep(600)

class Net(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        act("building")
        self.layer = nn.Linear(in_features, num_classes)
        self.fc = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        if not ACT.exists():
            print("noise", flush=True)
        act("training" if self.training else "answering")
        return self.layer(self.fc(x).flatten(1))
"""
TRAINED = JOB.replace("model: shallow", "model: net:Net").replace("  neurons: [10]\n", "").replace("small", "own", 1)
STUDENT = JOB.replace("small", "student", 1) + "distillation: soft\nteacher: {job: own}\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained job of a user's model."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.py").write_text(NET)
    (folder / "own.yaml").write_text(TRAINED)
    (folder / "student.yaml").write_text(STUDENT)
    ended = run(folder, "launch", "own.yaml", "--inline", "--no-dashboard")
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def without_weights(folder: Path) -> None:
    """Have whoever needs a trial's model train it again."""
    shutil.rmtree(paths.weights_file(folder / "results.db", "x", None).parent)
    shutil.rmtree(paths.checkpoint_dir(folder / "results.db"))


COMMANDS = [
    ["evaluate", "own"],
    ["export", "own", "--onnx", "own.onnx"],
    ["plan", "own.yaml", "--explain", "--set", "learning_rate=[0.5, 0.6]", "--set", "epochs=[50]"],
    ["launch", "student.yaml", "--inline", "--no-dashboard"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_model_that_ends_its_process_costs_one_line(folder: Path, arguments: list[str]) -> None:
    moment = {"evaluate": "answering", "export": "building"}.get(arguments[0], "training")
    without_weights(folder)
    (folder / "act").write_text(f"{moment} exit")
    ended = run(folder, *arguments)
    assert (ended.code, ended.out) == (2, ""), ended
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1] == (
        "gridsearch: model 'net:Net' ended its process with exit code 7; nothing recorded is lost"
    )
    (folder / "act").unlink()
    if arguments[0] == "evaluate":
        assert run(folder, *arguments).code == 0
        assert run(folder, "verify").code == 0


def test_what_models_print_does_not_stand_in_data(folder: Path) -> None:
    ended = run(folder, "evaluate", "own", "--format", "json")
    assert "noise" in ended.err and json.loads(ended.out)["measured_now"]


@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        ("forked", 2, "model 'net:Net' ended its process with exit code 0"),
        ("late", 70, "unexpected error: ValueError: late"),
        ("closed", 70, "unexpected error: ValueError: closed"),
        ("threaded", 0, ""),
    ],
)
def test_no_end_is_taken_for_another(folder: Path, act: str, code: int, said: str) -> None:
    (folder / "act").write_text(f"answering {act}")
    ended = run(folder, "evaluate", "own", "--no-latency")
    assert ended.code == code, ended
    assert [said in line for line in ended.err.splitlines()[-1:]] == [True] * bool(said), ended
    assert bool(ended.out) == (act == "threaded")


def test_where_native_code_crashed_is_told(folder: Path) -> None:
    (folder / "act").write_text("answering segv")
    ended = run(folder, "evaluate", "own")
    refused(ended, "model 'net:Net' ended its process by SIGSEGV; nothing recorded is lost; its stack is in ")
    log = Path(ended.err.split(" in ")[-1].strip())
    assert "net.py" in log.read_text()
    log.unlink()


def test_maps_too(folder: Path) -> None:
    trial = json.loads(run(folder, "top", "own", "-n", "1", "--bottom", "0", "-f", "json").out)[0]["trial"]
    (folder / "act").write_text("answering exit")
    refused(run(folder, "maps", trial, "-o", "maps.png"), "ended its process with exit code 7")
    (folder / "act").unlink()
    assert run(folder, "maps", trial, "-o", "maps.png").code == 0


def test_a_teacher_that_hangs_is_ended_in_time(folder: Path) -> None:
    without_weights(folder)
    (folder / "act").write_text("training hang")
    ended = run(
        folder,
        "launch",
        "student.yaml",
        "--inline",
        "--no-dashboard",
        "--trial-timeout",
        "3s",
        "--model-timeout",
        "10s",
    )
    assert ended.code == 2, ended.err
    assert "model 'net:Net' did not finish within 3s" in ended.err.splitlines()[-1]


@pytest.mark.parametrize(("act", "signals", "within"), [("willing", 1, 5), ("deaf", 1, 20), ("deaf", 2, 5)])
def test_what_asks_to_stop_ends_it_and_what_it_has_started(folder: Path, act: str, signals: int, within: float) -> None:
    (folder / "act").write_text(f"answering {act}")
    process = start(folder, "evaluate", "own")
    wait_for(folder / "acting")
    children = psutil.Process(process.pid).children(recursive=True)
    before = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "stopped\n")
    assert time.monotonic() - before < within
    assert len(children) == (1 if act == "willing" else 2) and not psutil.wait_procs(children, timeout=5)[1]


def test_it_is_suspended_with_its_terminal_and_killed_it_leaves_nothing(folder: Path) -> None:
    (folder / "act").write_text("answering willing")
    ours, theirs = pty.openpty()
    # Not a session's first: the system suspends nobody whom no parent in the session could have go on.
    process = subprocess.Popen(
        command("evaluate", "own"), cwd=folder, env=environment(), stdout=theirs, stderr=theirs, process_group=0
    )
    os.close(theirs)
    wait_for(folder / "acting")
    parent = psutil.Process(process.pid)
    (child,) = parent.children()
    process.send_signal(signal.SIGTSTP)
    wait_until(lambda: {one.status() for one in (parent, child)} == {psutil.STATUS_STOPPED})
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: child.status() != psutil.STATUS_STOPPED)
    process.kill()
    process.wait()
    assert not psutil.wait_procs([child], timeout=5)[1]
    os.close(ours)


def wait_for(file: Path) -> None:
    wait_until(file.exists)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)
