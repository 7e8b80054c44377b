"""Training functions of the user's on Ray's workers: killed, hanging, ended, and seen from the command line."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.cli.test_ray import end, start, wait_for_epochs, wait_until_none_is_left

pytestmark = pytest.mark.slow

#: A training whose numbers depend on all that it draws; it takes its time while a file `slow` lies beside it, and what
#: `ends` says happens in its third epoch.
CODE = """
import os, random, sys, time
from pathlib import Path

SLOW = Path(__file__).with_name("slow")


class Total:
    value = 0.0

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


def train(trial):
    total = Total()
    for epoch in range(trial.restore(total) + 1, trial.epochs + 1):
        time.sleep(0.3 * SLOW.exists())
        total.value += random.random() * trial["rate"]
        if epoch == 3 and trial.get("ends") == "dead":
            os._exit(7)
        if epoch == 3 and trial.get("ends") == "hangs":
            time.sleep(10**6)
        print("epoch", epoch)
        trial.report(epoch, val_f1=total.value, save=[total])
"""
JOB = """
name: small
train: paced:train
space: {rate: [0.1, 0.2, 0.3, 0.4], epochs: [10, 20]}
shares_epochs: true
objective: {metric: val_f1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "paced.py").write_text(CODE)
    (tmp_path / "small.yaml").write_text(JOB)
    return tmp_path


def numbers(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        return connection.execute("SELECT trial_id, metrics FROM trials ORDER BY trial_id").fetchall()


def test_a_killed_launch_leaves_nothing_and_goes_on_to_the_same_numbers(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = tmp_path_factory.mktemp("whole")
    (whole / "paced.py").write_text(CODE)
    (whole / "small.yaml").write_text(JOB)
    assert run(whole, "launch", "small.yaml", "--inline", "--no-dashboard").code == 0
    (folder / "slow").touch()
    process = start(folder, "--workers", "2")
    wait_for_epochs(folder, 9, process)
    process.kill()
    end(process)
    wait_until_none_is_left(process, 60)
    (folder / "slow").unlink()
    ended = run(folder, "resume", "small", "--no-dashboard")
    assert ended.code == 0, ended.err
    assert numbers(folder) == numbers(whole)
    assert run(folder, "verify").code == 0
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        assert connection.execute("SELECT max(attempt) FROM lineages").fetchone() == (2,)


def test_a_trial_that_ends_or_hangs_costs_itself_alone(folder: Path) -> None:
    (folder / "small.yaml").write_text(JOB.replace("space: {rate", "space: {ends: [dead, hangs, fine], rate"))
    ended = run(
        folder, "launch", "small.yaml", "--no-dashboard", "--workers", "2", "--trial-timeout", "4s",
        "--set", "space.rate=[0.1]", "--set", "space.epochs=5",
    )  # fmt: skip
    assert ended.code == 1, ended.err
    table = json.loads(run(folder, "top", "small", "-n", "all", "--format", "json").out)
    assert [row["ends"] for row in table] == ["fine"]
    failed = json.loads(run(folder, "top", "small", "-n", "all", "--state", "failed", "--format", "json").out)
    errors = {row["ends"]: row["error"] for row in failed}
    assert "its worker died 2 times" in errors["dead"]
    assert "no epoch within 4s" in errors["hangs"]
    log = run(folder, "show", table[0]["trial"], "--log")
    assert log.out == "".join(f"epoch {epoch}\n" for epoch in range(1, 6))
    for arguments, said in (
        (("evaluate", "small"), "is trained by paced:train"),
        (("show", table[0]["trial"], "--layers"), "was trained by paced:train"),
        (("export", "small", "--onnx", "x.onnx"), "is trained by paced:train"),
    ):
        refused = run(folder, *arguments)
        assert refused.code != 0
        assert said in refused.err
        assert len(refused.err.splitlines()) == 1


def test_ctrl_c_ends_an_inline_launch_within_a_report(folder: Path) -> None:
    (folder / "slow").touch()
    process = start(folder, "--inline")
    wait_for_epochs(folder, 3, process)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    (folder / "slow").unlink()
    assert run(folder, "launch", "small.yaml", "--no-dashboard", "--inline").code == 0


def test_more_cores_or_gpus_than_there_are_is_said_before_the_launch(folder: Path) -> None:
    ended = run(folder, "launch", "small.yaml", "--no-dashboard", "--set", "resources={cpus: 9999}")
    assert ended.code != 0
    assert "resources: a trial needs 9999 CPU cores, and this machine has" in ended.err
    assert len(ended.err.splitlines()) == 1
    for options in ([], ["--inline"]):
        ended = run(folder, "launch", "small.yaml", "--no-dashboard", "--set", "resources={gpus: 512}", *options)
        assert "resources: a trial needs 512 GPUs, and torch sees" in ended.err
        assert len(ended.err.splitlines()) == 1
    assert not (folder / "results.db").exists()
