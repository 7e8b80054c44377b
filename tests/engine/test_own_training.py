"""Trainings of the user's own, in this process: what becomes of what they report, and how they go on."""

from __future__ import annotations

import io
import itertools
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch import Trial, paths
from gridsearch.config.job import job_from_text
from gridsearch.engine.prepare.changes import changes
from gridsearch.engine.prepare.jobs import prepare
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.narrowing import narrowing
from gridsearch.engine.prepare.own_preparation import PreparedOwn
from gridsearch.engine.run.launch import LaunchEnd
from gridsearch.errors import EngineError, JobError
from gridsearch.store.opening import open_store
from gridsearch.store.rows import TrialRow
from tests.engine.launching import Notes, launch

#: A small network, as a user trains it with torch, its dropout drawn from the global generator.
NET = """
def train(trial):
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(120, 5, generator=generator)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(5, trial["width"]), nn.ReLU(), nn.Dropout(0.3), nn.Linear(trial["width"], 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=trial["learning_rate"])
    start = trial.restore(model, optimizer)
    print("begins after", start)
    for epoch in range(start + 1, trial.epochs + 1):
        model.train()
        for part in torch.randperm(120).split(30):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[part]), y[part])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(x)
        trial.report(
            epoch, val_loss=nn.functional.cross_entropy(outputs, y), val_f1=(outputs.argmax(1) == y).float().mean(),
            save=[model, optimizer],
        )
    return {"test_f1": float(val) if (val := 0.5) else 0}
"""
SPACE = "space: {learning_rate: [0.01, 0.1], width: 4, epochs: [2, 5]}\nshares_epochs: true\n"
_names = (f"own_training_{number}" for number in itertools.count())


class Job:
    """A job whose training function is `code`, in a module that no other test has."""

    def __init__(self, folder: Path, code: str, more: str = SPACE, metric: str = "val_f1") -> None:
        self.folder, self.module = folder, next(_names)
        self.text = f"name: own\ntrain: {self.module}:train\nobjective: {{metric: {metric}}}\n{more}"
        self.store = folder / "results.db"
        self.write(code)

    def write(self, code: str) -> None:
        (self.folder / f"{self.module}.py").write_text(code)
        sys.modules.pop(self.module, None)

    def prepared(self, *overrides: str) -> PreparedOwn:
        made = prepare(job_from_text(self.text, overrides, base=self.folder), self.folder, limits=Limits())
        assert isinstance(made, PreparedOwn)
        return made

    def launch(self, *overrides: str, **how: Any) -> LaunchEnd:
        return launch(self.prepared(*overrides), self.store, **how)  # type: ignore[arg-type]

    def trials(self) -> list[TrialRow]:
        with open_store(self.store, create=False, read_only=True) as store:
            assert store.verify() == []
            return store.trials("own")

    def epochs(self) -> list[tuple[Any, ...]]:
        """Return the epochs as SQLite has them, without their times, in order."""
        with closing(sqlite3.connect(self.store)) as connection:
            return connection.execute(
                "SELECT lineages.lineage_id, epochs.epoch, epochs.metrics"
                " FROM epochs JOIN lineages ON lineages.id = epochs.lineage"
                " ORDER BY lineages.lineage_id, epochs.epoch"
            ).fetchall()

    def log(self, row: TrialRow) -> str:
        return paths.trial_log(paths.log_dir(self.store), row.lineage_id).read_text()


def one(row: TrialRow) -> tuple[str, dict[str, float | None]]:
    return str(row.state), dict(row.more)


def by(code: str, folder: Path, more: str = "space: {epochs: 3}\n", metric: str = "val_f1") -> tuple[TrialRow, Job]:
    job = Job(folder, f"def train(trial):\n{code}", more, metric)
    job.launch()
    (row,) = job.trials()
    return row, job


def test_the_numbers_are_those_of_the_function_called_by_hand(tmp_path: Path) -> None:
    job = Job(tmp_path, NET)
    assert job.launch().outcome == "complete"
    for row in job.trials():
        names: dict[str, Any] = {}
        exec(NET, names)
        settings = {"learning_rate": 0.01 if "0.01" in row.config else 0.1, "width": 4, "epochs": 5}
        torch.manual_seed(0)
        with redirect_stdout(io.StringIO()) as printed:
            names["train"](Trial.local(**settings))
        last = printed.getvalue().splitlines()[row.epochs]
        assert last == f"epoch {row.epochs}: val_loss {row.more['val_loss']:.6g}, val_f1 {row.more['val_f1']:.6g}"
    assert {row.more.get("test_f1") for row in job.trials() if row.epochs == 5} == {0.5}
    assert {job.log(row) for row in job.trials()} == {"begins after 0\nbegins after 2\n"}


def test_nothing_is_trained_twice_and_more_epochs_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    job = Job(tmp_path, NET)
    job.launch()
    before = job.epochs()
    notes = Notes()
    job.launch(notes=notes)
    assert not notes.notes
    assert job.epochs() == before
    job.launch("space.epochs=[2, 5, 8]")
    assert {job.log(row) for row in job.trials()} == {
        "begins after 0\nbegins after 2\n--- attempt 2 ---\nbegins after 5\n"
    }
    (tmp_path / "whole").mkdir()
    whole = Job(tmp_path / "whole", NET)
    whole.launch("space.epochs=8")

    def numbers(of: Job) -> list[str]:
        return sorted(
            metrics.replace(',"test_f1":0.5', "").replace('"test_f1":0.5,', "")
            for _, _, metrics in of.epochs()
            if metrics
        )

    assert numbers(job) == numbers(whole)


def stop_after(job: Job, epochs: int) -> Callable[[], bool]:
    return lambda: (
        job.store.exists() and sum(bool(metrics) and epoch > 0 for _, epoch, metrics in job.epochs()) >= epochs
    )


def test_a_stop_unwinds_the_function_and_the_next_launch_goes_on(tmp_path: Path) -> None:
    # Reports are recorded every half second.
    slow = NET.replace("        trial.report(", "        __import__('time').sleep(0.05)\n        trial.report(")
    job = Job(tmp_path, slow.replace("def train(", "def inner(") + (
        "\n\ndef train(trial):\n    try:\n        return inner(trial)\n    finally:\n        print('unwound')\n"
    ))  # fmt: skip
    end = job.launch("space.learning_rate=0.1", "space.epochs=30", stopping=stop_after(job, 4))
    assert end.interrupted
    (row,) = job.trials()
    assert job.log(row) == "begins after 0\nunwound\n"
    reached = max(epoch for _, epoch, _ in job.epochs())
    assert 4 <= reached < 30
    job.launch("space.learning_rate=0.1", "space.epochs=30")
    log = job.log(row).splitlines()
    assert log[2] == "--- attempt 2 ---"
    assert 4 <= int(log[3].split()[-1]) <= reached + 1
    (tmp_path / "whole").mkdir()
    whole = Job(tmp_path / "whole", NET)
    whole.launch("space.learning_rate=0.1", "space.epochs=30")
    assert [metrics for _, _, metrics in job.epochs()] == [metrics for _, _, metrics in whole.epochs()]


@pytest.mark.parametrize(
    ("code", "state", "more"),
    [
        ("    return {'val_f1': 0.7, 'size': 3}", "completed", {"val_f1": 0.7, "size": 3.0}),
        ("    trial.report(3, val_f1=0.4)", "completed", {"val_f1": 0.4}),
        ("    trial.report(1, val_f1=0.2)\n    return {'test': 1}", "stopped", {"val_f1": 0.2, "test": 1.0}),
        ("    trial.report(0, val_f1=0.1)\n    trial.report(3, val_f1=0.2)", "completed", {"val_f1": 0.2}),
        ("    trial.report(1, val_f1=0.1, loss=float('nan'))\n    raise SystemError", "diverged", None),
        ("    trial.report(3, val_f1=float('nan'), x=1)", "completed", {"val_f1": None, "x": 1.0}),
        ("    trial.report(3, val_f1=1e-9, x=1e9)", "completed", {"val_f1": 1e-9, "x": 1e9}),
    ],
)
def test_what_is_reported_is_what_the_trial_has(
    tmp_path: Path, code: str, state: str, more: dict[str, float] | None
) -> None:
    row, _ = by(code, tmp_path)
    assert row.state == state
    if more is not None:
        assert dict(row.more) == more


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("    raise ValueError('no')", "ValueError: no ("),
        ("    import sys\n    sys.exit(3)", "SystemExit: 3 ("),
        ("    raise GeneratorExit", "GeneratorExit"),
        ("    return 'done'", "it returned str; return nothing, or numbers by name"),
        ("    return {'val_f1': 'high'}", "metric 'val_f1' is of type str"),
        ("    pass", "the training ended without a report, and returned no metrics"),
        ("    trial.report(0, val_f1=1)", "the training ended without a report"),
        ("    trial.report(4, val_f1=1)", "epoch 4 was reported, and the trial has 3"),
        ("    trial.report(1, val_f1=1)\n    trial.restore(trial)", "restore was called after report"),
        ("    trial['depth']", "there is no setting 'depth'"),
    ],
)
def test_what_goes_wrong_costs_the_trial_alone(tmp_path: Path, code: str, said: str) -> None:
    row, job = by(code, tmp_path)
    assert row.state == "failed"
    assert row.error
    assert said in row.error
    assert "\n" not in row.error
    job.write("def train(trial):\n    return {'val_f1': 1}")
    job.launch()
    assert sorted(str(other.state) for other in job.trials()) == ["completed"]  # edited, it is another trial


def test_early_stopping_looks_at_the_objective(tmp_path: Path) -> None:
    code = """
    try:
        for epoch in range(1, 20):
            trial.report(epoch, val_f1=min(epoch, 4) / 10)
    finally:
        print("ends")
"""
    row, job = by(code, tmp_path, "space: {epochs: 19, early_stopping: 3}\n")
    assert (row.state, row.stopped_epoch if hasattr(row, "stopped_epoch") else 7) == ("stopped", 7)
    assert dict(row.more) == {"val_f1": 0.4}
    assert job.log(row) == "ends\n"
    (tmp_path / "other").mkdir()
    row, _ = by(
        "    trial.report(1, loss=1)", tmp_path / "other", "space: {epochs: 19, early_stopping: 3}\n", "val_loss"
    )
    assert row.error == "early_stopping looks at val_loss, the objective, which was not reported"


def test_a_function_that_swallows_the_stop_is_told_again(tmp_path: Path) -> None:
    code = """
    for epoch in range(1, 4):
        try:
            trial.report(epoch, val_f1=1, val_loss=float("inf"))
        except BaseException as error:
            print(type(error).__name__)
"""
    row, job = by(code, tmp_path)
    assert row.state == "diverged"
    assert job.log(row) == "TrialStopped\n" * 3


def test_an_objective_that_nobody_reports_ends_the_launch_after_the_first_trial(tmp_path: Path) -> None:
    job = Job(tmp_path, "def train(trial):\n    return {'val_f2': trial['a'], 'b': 1}", "space: {a: [1, 2, 3]}\n")
    with pytest.raises(
        EngineError, match=r"objective: the first training to end did not report 'val_f1'; it reported val_f2, b"
    ):
        job.launch()
    assert [str(row.state) for row in job.trials()].count("completed") == 1
    job.text = job.text.replace("val_f1", "val_f2").replace("metric: val_f2", "metric: val_f2, mode: max")
    assert job.launch().outcome == "complete"


def test_a_trial_that_lacks_the_objective_is_the_last_once_another_has_it(tmp_path: Path) -> None:
    job = Job(
        tmp_path, "def train(trial):\n    return {'val_f1': 1} if trial['a'] == 1 else {'b': 1}", "space: {a: [1, 2]}\n"
    )
    assert job.launch().outcome == "complete"


def test_repeats_differ_in_the_seed_and_generators_are_seeded_with_it(tmp_path: Path) -> None:
    drawn = "random.random() + numpy.random.rand() + torch.rand(1).item()"
    code = f"import random, numpy, torch\ndef train(trial):\n    return {{'val_f1': {drawn}, 's': trial.seed}}"
    job = Job(tmp_path, code, "space: {a: [1, 2]}\nrepeats: 3\n")
    job.launch()
    rows = job.trials()
    assert [row.more["s"] for row in rows] == [0, 1, 2, 0, 1, 2]
    assert [row.more["val_f1"] for row in rows[:3]] == [row.more["val_f1"] for row in rows[3:]]
    assert len({row.more["val_f1"] for row in rows}) == 3


def test_edited_code_and_inputs_give_new_trials_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1")
    more = "space: {a: [1, 2]}\ninputs: [data.csv]\n"
    job = Job(tmp_path, "def train(trial):\n    return {'val_f1': 1}", more)
    job.launch()
    with open_store(job.store, create=False) as store:
        assert changes(job.prepared(), store) == []
        (tmp_path / "data.csv").write_text("2")
        assert changes(job.prepared(), store) == ["the inputs have changed"]
        (tmp_path / "data.csv").write_text("1")
        narrow = job.prepared("space.a=[1]")
        assert (narrowing(narrow, store).trials, narrowing(narrow, store).back) == (1, [])
        job.write("def train(trial):\n    return {'val_f1': 2}")
        assert changes(job.prepared(), store) == [f"edited: {job.module}"]
    (tmp_path / "data.csv").unlink()
    with pytest.raises(JobError, match=r"inputs\[0\]|inputs: .*there is no file"):
        job.prepared()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def train():\n    pass", r"takes no trial; write def train\(trial\): \.\.\."),
        ("def train(a, b):\n    pass", r"takes more than a trial \(b\), which has all settings"),
        ("def train(trial, *, depth):\n    pass", r"takes more than a trial \(depth\)"),
        ("class train:\n    pass", "is a class; write def train"),
        ("async def train(trial):\n    pass", "is an async function"),
        ("def trainer(trial):\n    pass", r"the module has no 'train' \(did you mean 'trainer'\?\)"),
        ("import nothing_of_that_name\ndef train(trial):\n    pass", "importing .* failed: ModuleNotFoundError"),
        ("def train(trial)\n    pass", r":1: expected ':'"),
        ("raise RuntimeError('no data')\ndef train(trial):\n    pass", r"failed: RuntimeError: no data"),
        ("import os\nos._exit(5)\ndef train(trial):\n    pass", r"ended Python \(exit code 5\)"),
        ("train = 3", "'train' is no function"),
    ],
)
def test_a_function_that_cannot_be_called_is_one_line_before_the_launch(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(JobError, match=said) as caught:
        Job(tmp_path, code).prepared()
    assert "\n" not in str(caught.value)
    assert "train: " in str(caught.value)


def test_partial_functions_and_decorated_ones_are_called(tmp_path: Path) -> None:
    code = "import functools\ndef inner(depth, trial):\n    return {'val_f1': depth}\n"
    job = Job(tmp_path, f"{code}train = functools.partial(inner, 4)\n", "space: {a: [1]}\n")
    job.launch()
    assert dict(job.trials()[0].more) == {"val_f1": 4.0}


def test_each_trial_of_a_shared_training_has_what_it_would_have_returned_alone(tmp_path: Path) -> None:
    ends = "def train(trial):\n    for epoch in range(1, trial.epochs + 1):\n"
    ends += "        trial.report(epoch, val_f1=epoch / 10)\n"
    job = Job(
        tmp_path,
        f"{ends}    return {{'test_f1': trial.epochs / 100}}",
        "space: {epochs: [2, 4, 6]}\nshares_epochs: true\n",
    )
    job.launch()
    found = {row.epochs: dict(row.more) for row in job.trials()}
    assert found == {count: {"val_f1": count / 10, "test_f1": count / 100} for count in (2, 4, 6)}
    (tmp_path / "silent").mkdir()
    silent = Job(
        tmp_path / "silent", f"{ends}    print(trial.epochs)", "space: {epochs: [2, 4, 6]}\nshares_epochs: true\n"
    )
    silent.launch()
    assert {row.epochs: dict(row.more) for row in silent.trials()} == {n: {"val_f1": n / 10} for n in (2, 4, 6)}
    assert silent.log(silent.trials()[0]) == "2\n6\n"  # it has nothing to say at its end, so not of 4


def test_a_checkpoint_of_more_epochs_than_are_asked_for_is_not_gone_on_from(tmp_path: Path) -> None:
    code = NET.replace("float(val) if (val := 0.5) else 0", "trial.epochs / 100")
    job = Job(tmp_path, code, "space: {learning_rate: 0.1, width: 4, epochs: [2]}\nshares_epochs: true\n")
    job.launch()
    before = [dict(row.more) for row in job.trials()]
    job.launch("space.epochs=[2, 5]")
    job.store.unlink()
    job.launch()
    assert [dict(row.more) for row in job.trials()] == before
    assert before[0]["test_f1"] == 0.02


def test_one_that_begins_anew_and_ends_sooner_keeps_what_is_recorded(tmp_path: Path) -> None:
    code = """
    from pathlib import Path
    second = Path(__file__).with_name("second")
    for epoch in range(1, 3 if second.exists() else 6):
        trial.report(epoch, val_f1=epoch / 10)
        __import__("time").sleep(0.2)
    second.touch()
    if epoch > 2:
        raise SystemError
"""
    row, job = by(code, tmp_path, "space: {epochs: 9}\n")
    assert row.state == "failed"
    job.launch(retry_failed=True)
    (row,) = job.trials()
    assert (str(row.state), row.error) == ("stopped", None)
    assert dict(row.more)["val_f1"] in (0.4, 0.5)


def test_a_state_that_cannot_be_written_costs_the_trial_alone(tmp_path: Path) -> None:
    code = """
    import torch
    class Sparse:
        def state_dict(self):
            return {"w": torch.eye(2).to_sparse() if trial["a"] == 1 else torch.eye(2)}
        def load_state_dict(self, state):
            pass
    trial.report(1, val_f1=1, save=[Sparse()])
"""
    job = Job(tmp_path, f"def train(trial):\n{code}", "space: {a: [1, 2]}\n")
    job.launch()
    errors = [row.error for row in job.trials()]
    assert errors[1] is None
    assert errors[0]
    assert "0.w of its state is a tensor sparse or quantized" in errors[0]


def test_streams_and_the_folder_are_the_functions_own_from_report_to_report(tmp_path: Path) -> None:
    code = """
    import contextlib, io, logging, os, sys
    from pathlib import Path
    logger = logging.getLogger("own")
    logger.addHandler(logging.StreamHandler())
    (Path(__file__).parent / "elsewhere").mkdir(exist_ok=True)
    os.chdir(Path(__file__).parent / "elsewhere")
    with contextlib.redirect_stdout(io.StringIO()) as kept:
        for epoch in range(1, 4):
            print("in", epoch)
            trial.report(epoch, val_f1=1)
            logger.warning("logged %d", epoch)
    print(kept.getvalue().split(), Path.cwd().name)
"""
    here = Path.cwd()
    row, job = by(code, tmp_path)
    assert row.state == "completed"
    assert Path.cwd() == here
    assert job.log(row) == "logged 1\nlogged 2\nlogged 3\n['in', '1', 'in', '2', 'in', '3'] elsewhere\n"


def test_what_a_function_takes_at_its_end_is_part_of_its_time(tmp_path: Path) -> None:
    row, _ = by("    trial.report(3, val_f1=1)\n    __import__('time').sleep(0.3)", tmp_path)
    assert row.seconds
    assert 0.3 <= row.seconds < 3


def test_a_loss_that_is_returned_and_not_finite_diverges(tmp_path: Path) -> None:
    row, _ = by("    trial.report(1, val_f1=1)\n    return {'test_loss': float('nan')}", tmp_path)
    assert (row.state, row.diverged_epoch) == ("diverged", 1)


def test_inputs_that_change_under_a_launch_are_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1")
    code = "import pathlib\ndef train(trial):\n    pathlib.Path(__file__).with_name('data.csv').write_text('22')\n"
    code += "    return {'val_f1': 1}"
    job = Job(tmp_path, code, "space: {a: [1, 2]}\ninputs: [./data.csv]\n")
    job.launch()
    assert [row.error for row in job.trials()] == [
        None,
        "the input data.csv has changed since this trial was planned; launch again",
    ]


def test_a_function_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "implemented_elsewhere.py").write_text("def train(trial):\n    return {'val_f1': 1}")
    job = Job(tmp_path, "from implemented_elsewhere import *", "space: {a: [1]}\n")
    assert job.launch().outcome == "complete"


def test_a_setting_that_nobody_reads_is_remarked_on(tmp_path: Path) -> None:
    job = Job(tmp_path, "def train(trial):\n    return {'val_f1': 1}", "space: {epohcs: [1, 2]}\n")
    assert job.prepared().remarks == [
        f"the code of {job.module}:train does not mention the setting epohcs (did you mean 'epochs'?)"
    ]


def test_an_objective_called_like_a_metric_of_ours_must_be_reported_too(tmp_path: Path) -> None:
    job = Job(tmp_path, "def train(trial):\n    return {'val_acc': trial['a']}", "space: {a: [1, 2]}\n", "val_accuracy")
    for said in (
        "the first training to end did not report 'val_accuracy'",
        "did not report",
        "no trial has reported 'val_accuracy'",
    ):
        with pytest.raises(EngineError, match=said):
            job.launch()
