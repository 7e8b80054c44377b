"""What a user's model does to its process costs the trials with that value, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gridsearch.config.events import TrialState
from gridsearch.config.job import job_from_text
from gridsearch.engine.prepare import model_process
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.model_process import ModelProcess
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.prepare.probing import TriedHere
from gridsearch.errors import ModelError, StopNowError
from gridsearch.models.registry import find_model
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch

NETS = """
import ctypes, os, sys, time
from torch import nn

def forked():
    # What is left behind holds all that it inherited open.
    if os.fork() == 0:
        time.sleep(600)
    os._exit(3)

def chatty():
    for number in range(3, 20):
        try:
            os.write(number, b'{"id": 2, "text": 7}\\nnot JSON\\n{"id": null}\\n[]\\n')
        except OSError:
            pass

ACTS = {
    "exit": lambda: os._exit(7), "segv": lambda: ctypes.string_at(0), "leave": lambda: sys.exit(9),
    "loop": lambda: time.sleep(600), "forked": forked, "chatty": chatty, "closed": lambda: os.closerange(3, 20),
}

class Net(nn.Module):
    def __init__(self, in_features, num_classes, kind="good", width=8, where=nn.ReLU, deep=(1, 2)):
        super().__init__()
        print("a model is born")
        self.kind, self.layer = kind, nn.Linear(in_features, num_classes)
        if kind == "mistaken":
            raise ValueError("no such kind")
        if kind == "odd" and width == 4:
            os._exit(5)
        ACTS.get(kind, int)()

    def forward(self, x):
        if self.kind == "later":
            os._exit(8)
        return self.layer(x.flatten(1))
"""
TEXT = JOB.partition("space:")[0].replace("shallow", "deadly_nets:Net")


def job(folder: Path, space: str, *, seconds: float = 60.0, text: str = TEXT) -> PreparedJob:
    (folder / "deadly_nets.py").write_text(NETS)
    spec = job_from_text(f"{text}space: {{batch_size: 64, epochs: 1, {space}}}\n", base=folder)
    return prepare(spec, folder / "data", limits=Limits(seconds))


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ModelProcess]:
    (tmp_path / "deadly_nets.py").write_text(NETS)
    made = ModelProcess("deadly_nets:Net", [tmp_path])
    made.seen = Seen((1, 8, 8), 10)
    yield made
    made.leave()  # the next test need not wait for another to start


def test_only_the_trials_with_a_value_that_ends_the_process_fail(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ready = job(tmp_path, "learning_rate: [0.1, 0.01], kind: [good, exit, fine], width: [4, 8]")
    (doom,) = ready.dooms
    assert doom.error == (
        "model 'deadly_nets:Net' ended its process with exit code 7 when it was tried with kind='exit'"
    )
    assert (doom.shared, ready.doomed_by(doom, ready.grid.trials)) == ({"kind": "exit"}, 4)
    assert doom.place.startswith("job:5:")
    assert capfd.readouterr().out == ""
    assert doom.mend == "leave them out with a rule, skip: kind == 'exit'"
    end = launch(ready, tmp_path / "r.db")
    assert end.counts == {TrialState.COMPLETED: 8, TrialState.FAILED: 4}
    with open_store(tmp_path / "r.db", create=False) as store:
        assert store.verify() == []
        failed = [row for row in store.trials("small") if row.state == TrialState.FAILED]
    assert {row.error for row in failed} == {doom.error}
    assert all('"kind":"exit"' in row.config for row in failed)
    again = launch(ready, tmp_path / "r.db", retry_failed=True)
    assert again.counts == end.counts


def test_each_way_to_end_is_a_cause_of_its_own(tmp_path: Path) -> None:
    """What loops, what a signal ends, what leaves, what leaves something behind, what ends only when it is run."""
    space = "learning_rate: 0.1, kind: [good, segv, leave, forked, later]"
    causes = {doom.shared["kind"]: doom for doom in job(tmp_path, space).dooms}
    said = {kind: doom.error.partition("' ")[2].partition(" when")[0] for kind, doom in causes.items()}
    assert said == {
        "segv": "ended its process by SIGSEGV",
        "leave": "raised SystemExit: 9",
        "forked": "ended its process with exit code 3",
        "later": "ended its process with exit code 8",
    }
    assert "deadly_nets.py" in causes["segv"].account
    assert "deadly_nets.py" in causes["leave"].account


def test_a_process_left_to_the_next_model_knows_nothing_of_the_last(process: ModelProcess) -> None:
    for _ in range(4):
        assert process.problem({"kind": "good"}, with_numbers=False) is None
        process.leave()
    assert process.problem({"kind": "good"}, with_numbers=True) is None


def test_what_never_comes_back_is_ended_in_time(tmp_path: Path) -> None:
    began = time.monotonic()
    (doom,) = job(tmp_path, "learning_rate: 0.1, kind: [good, loop]", seconds=6.0).dooms
    assert "did not finish within 6s when it was tried with kind='loop'" in doom.error
    assert "time.sleep(600)" not in doom.error
    assert "deadly_nets.py" in doom.account
    assert time.monotonic() - began < 120


def test_settings_that_end_it_only_together_are_named_together(tmp_path: Path) -> None:
    ready = job(tmp_path, "learning_rate: 0.1, kind: [good, odd], width: [4, 8, 16]")
    (doom,) = ready.dooms
    assert doom.error.endswith("when it was tried with kind='odd', width=4")
    assert ready.doomed_by(doom, ready.grid.trials) == 1


def test_nothing_is_trained_where_nothing_works(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        job(tmp_path, "learning_rate: 0.1, kind: [exit]")
    assert str(caught.value).startswith(
        "job:4:8: model 'deadly_nets:Net' ended its process with exit code 7 when it was tried with kind='exit'"
    )
    assert "\n" not in str(caught.value)


def test_what_raises_costs_no_more_than_what_ends_the_process(tmp_path: Path) -> None:
    """Each has a line that names the value, the mistake its line in the user's file, and its log has the rest."""
    ready = job(tmp_path, "learning_rate: [0.1, 0.01], kind: [good, exit, mistaken]")
    dooms = {doom.shared["kind"]: doom for doom in ready.dooms}
    assert dooms.keys() == {"exit", "mistaken"}
    mistaken = dooms["mistaken"]
    line = NETS.splitlines().index('            raise ValueError("no such kind")') + 1
    assert mistaken.error == (
        "model 'deadly_nets:Net' cannot be built with kind='mistaken': ValueError: no such kind"
        f" (deadly_nets.py:{line} in __init__)"
    )
    assert "raise ValueError" in mistaken.account and mistaken.place.startswith("job:5:")
    end = launch(ready, tmp_path / "r.db")
    assert end.counts == {TrialState.COMPLETED: 2, TrialState.FAILED: 4}
    with open_store(tmp_path / "r.db", create=False) as store:
        errors = [row.error for row in store.trials("small") if row.state == TrialState.FAILED]
    assert sorted(errors) == sorted(2 * [doom.error for doom in dooms.values()])


def test_a_model_that_ends_too_often_is_left_to_the_workers(process: ModelProcess, tmp_path: Path) -> None:
    for _ in range(model_process.MOST_DEATHS):
        with pytest.raises(ModelEndedError):
            process.problem({"kind": "exit"}, with_numbers=False)
    with pytest.raises(NotTriedError):
        process.problem({"kind": "good"}, with_numbers=False)


def test_it_answers_as_this_process_would(process: ModelProcess, tmp_path: Path) -> None:
    """Also where the model writes what looks like answers to wherever it can, or has ended it before."""
    kind = "chatty"
    here = TriedHere(find_model("deadly_nets:Net", [tmp_path]), Seen((1, 8, 8), 10))
    said = process.signature()
    assert said.optional["kind"] == "good" and said.optional["deep"] == [1, 2]
    assert set(said.optional) == {"kind", "width", "where", "deep"}
    assert not isinstance(said.optional["where"], (str, int, float, list))
    assert (said.required, said.data_arguments) == (here.model.required, here.model.data_arguments)
    assert (said.code, said.open_ended) == (here.model.code, False)
    assert process.problem({"kind": kind}, with_numbers=False) is None
    told = [one.problem({"kind": "mistaken"}, with_numbers=True) for one in (process, here)]
    assert told[0] and told[1] and replace(told[0], account="") == replace(told[1], account="")
    assert process.freezing_problem({"kind": kind}, "lair.*") == here.freezing_problem({"kind": "good"}, "lair.*") != ""
    assert process.hidden_problem({"kind": kind}) == here.hidden_problem({"kind": "good"}) != ""
    assert process.layers({"kind": kind}, 2).parameters == 650
    with pytest.raises(ModelEndedError):
        process.problem({"kind": "closed"}, with_numbers=False)
    assert process.problem({"kind": "good"}, with_numbers=False) is None


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("import os; os._exit(4)", "importing it ended its process with exit code 4"),
        ("import sys; sys.exit('enough')", "importing it raised SystemExit: enough"),
        ("raise ValueError('two\\nlines')", "importing 'deadly_nets' failed: ValueError: two"),
        ("import time; time.sleep(600)", "importing it did not finish within 3s"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path: Path, act: str, said: str) -> None:
    (tmp_path / "deadly_nets.py").write_text(act + "\n")
    with pytest.raises(ModelError) as caught:
        ModelProcess("deadly_nets:Net", [tmp_path], Limits(3.0)).signature()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stop_does_not_wait_for_it(process: ModelProcess) -> None:
    assert process.problem({"kind": "good"}, with_numbers=False) is None
    began = time.monotonic()
    process.limits = Limits(stopping=lambda: time.monotonic() - began > 0.5)
    with pytest.raises(StopNowError):
        process.problem({"kind": "loop"}, with_numbers=False)
    assert time.monotonic() - began < 10


ORPHAN = """
import os, sys
from pathlib import Path
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.model_process import ModelProcess
from gridsearch.engine.prepare.model_questions import Seen
process = ModelProcess("deadly_nets:Net", [Path(sys.argv[1])], Limits(4.0))
process.signature()
print(process._channel.process.pid, flush=True)
process.seen = Seen((1, 8, 8), 10)
if sys.argv[2] == "asking":
    process.problem({"kind": "loop"}, with_numbers=False)
os.kill(os.getpid(), 9)
"""


def test_it_outlives_nobody(tmp_path: Path) -> None:
    """Killed with no chance to clean up, while the model is idle."""
    (tmp_path / "deadly_nets.py").write_text(NETS)
    ended = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(tmp_path), "idle"], capture_output=True, text=True, timeout=120, check=False
    )
    deadline = time.monotonic() + 20
    while alive(int(ended.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


SHADOWS = ("statistics", "random", "json", "dataclasses", "selectors", "inspect", "numpy", "pandas")


@pytest.mark.slow
def test_a_file_named_like_a_library_is_no_library(tmp_path: Path) -> None:
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the {name} of the user')\n")
    (tmp_path / "neighbour_of_mine.py").write_text("here = 1\n")
    model = NETS.replace("import ctypes", "import statistics, random, neighbour_of_mine\nimport ctypes")
    (tmp_path / "deadly_nets.py").write_text(model)
    (tmp_path / "small.yaml").write_text(TEXT + "space: {batch_size: 64, epochs: 1, learning_rate: 0.1}\n")
    command = [sys.executable, "-m", "gridsearch", "launch", "small.yaml", "--inline", "--no-dashboard"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "1 completed" in ended.stderr


def test_a_model_in_a_file_named_like_a_library_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text(NETS)
    with pytest.raises(ModelError, match=r"'statistics' has no 'Net': it is .*, which comes before .*statistics\.py"):
        find_model("statistics:Net", [tmp_path])


def test_sound_values_are_trained_however_many_bad_ones_come_before(tmp_path: Path) -> None:
    ready = job(tmp_path, "learning_rate: 0.1, kind: [exit, good], width: [4, 8, 16, 32, 64, 128]")
    assert len(ready.grid.trials) == 12
    assert sum(ready.doomed_by(doom, ready.grid.trials) for doom in ready.dooms) == model_process.MOST_DEATHS
    assert all("kind" not in doom.shared or doom.shared["kind"] == "exit" for doom in ready.dooms)
