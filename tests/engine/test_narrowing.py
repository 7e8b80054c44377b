"""A grid that is narrower than what has been trained: what it leaves is counted, and how it comes back is told."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gridsearch.cli.render.plans import Left, leaving, plan_json, plan_line, plan_text
from gridsearch.config.events import TrialState
from gridsearch.config.job import job_from_text, load_job
from gridsearch.config.selection import selecting
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.run.planning import plan_job
from gridsearch.store.opening import open_store
from tests.engine.launching import JOB, launch, prepared


def left_of(job: PreparedJob, path: Path) -> Left:
    with open_store(path, create=False, read_only=True) as store:
        return leaving(job, store)


def asked(folder: Path, command: str) -> PreparedJob:
    """Return the job that a command launches, its options read as the shell and the command line read them."""
    words = shlex.split(command)
    assert words[:3] == ["gridsearch", "launch", str(folder / "small.yaml")]
    options = list(zip(words[3::2], words[4::2], strict=True))
    sets, only = ([text for name, text in options if name == option] for option in ("--set", "--only"))
    assert len(sets) + len(only) == len(options)
    return prepare(selecting(load_job(folder / "small.yaml", sets), only), folder / "data")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(JOB)
    launch(of_file(tmp_path), tmp_path / "r.db")
    return tmp_path / "r.db"


def of_file(folder: Path, *overrides: str) -> PreparedJob:
    return prepare(load_job(folder / "small.yaml", overrides), folder / "data")


def test_what_set_leaves_comes_back_with_the_file_as_it_is(tmp_path: Path, trained: Path) -> None:
    job = of_file(tmp_path, "learning_rate=0.1")
    left = left_of(job, trained)
    file = tmp_path / "small.yaml"
    assert left.lines == [
        "4 earlier trials with results are no longer points of this grid; they stay in the store, and come back with:"
        f" gridsearch launch {file}",
        f"to train a part and leave the grid whole: gridsearch launch {file} --only 'learning_rate == 0.1'",
    ]
    part = asked(tmp_path, left.lines[1].partition(": ")[2])
    assert part.grid.chosen == {trial.trial_id for trial in job.grid.trials}
    with open_store(trained) as store:
        plan = plan_job(job, store)
        assert all(line in plan_text(job, plan, [], left, width=None) for line in left.lines)
        told = plan_json(job, plan, [], left)
        assert (told["no_longer_points"], told["back"]) == (4, f"gridsearch launch {file}")
    launch(job, trained)
    back = asked(tmp_path, told["back"])
    with open_store(trained) as store:
        assert plan_line(back, plan_job(back, store)) == "small: 8 trials, =8 done; nothing to train"


@pytest.mark.parametrize(
    ("before", "after", "sets"),
    [
        ("[0.1, 0.01]", "[0.01]", "--set 'learning_rate=[0.1, 0.01]'"),
        ("{logspace: [0.01, 0.1], num: 2}", "[0.5]", "--set 'learning_rate={logspace: [0.01, 0.1], num: 2}'"),
        ("[0.1]\n  momentum: [0, 0.5]", "[0.1]", "--set 'momentum=[0, 0.5]'"),
        ("[0.1]", "[0.1]\n  optimizer: [adam]", "--set optimizer=sgd"),
        ("[0.1]\nrepeats: 2", "[0.1]", "--set repeats=2"),
        ("[0.1]", "[0.1]\nsplit: {test: 0.1, folds: 2}", "--set 'split={test: 0.1}'"),
        ("[0.1]", "[0.1]\nrules: [{skip: epochs == 3}]", "--set 'rules=[]'"),
    ],
)
def test_what_an_edited_file_leaves_comes_back_with_what_it_was(
    before: str, after: str, sets: str, tmp_path: Path
) -> None:
    file, path = tmp_path / "small.yaml", tmp_path / "r.db"
    text = JOB.replace("[64, 128]", "[128]").replace("split: {test: 0.1}\n", "").replace("  neurons: [10]\n", "")

    def written(rates: str) -> PreparedJob:
        split = "" if "split" in rates else "split: {test: 0.1}\n"
        own = text.replace("space:\n", "space:\n  neurons: [10]\n").replace("[0.1, 0.01]", rates)
        file.write_text(split + own)
        return of_file(tmp_path)

    first = written(before)
    launch(first, path)
    left = left_of(written(after), path)
    assert left.back == f"gridsearch launch {file} {sets}"
    assert left.found.trials >= 1
    wide = {trial.trial_id for trial in asked(tmp_path, left.back).grid.trials}
    assert {trial.trial_id for trial in first.grid.trials} <= wide


def test_trials_without_results_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    whole = prepared(tmp_path)
    launch(prepare(selecting(whole.job, ["learning_rate == 0.1", "epochs == 1"]), tmp_path / "data"), path)
    assert left_of(prepared(tmp_path, "learning_rate=0.1"), path) == left_of(whole, path)
    assert left_of(prepared(tmp_path, "learning_rate=0.1"), path).lines == []
    found = left_of(prepared(tmp_path, "learning_rate=0.01", "batch_size=64"), path)
    assert found.lines[0].startswith("2 earlier trials with results are no longer points")
    with open_store(path) as store:
        assert store.counts("small") == {TrialState.PENDING: 6, TrialState.COMPLETED: 2}


def test_a_model_that_was_edited_brings_nothing_back_and_says_no_command(tmp_path: Path) -> None:
    net = "import torch\nclass Net(torch.nn.Sequential):\n    def __init__(self, in_features, num_classes):\n"
    body = "        super().__init__(torch.nn.Flatten(), torch.nn.Linear(in_features, num_classes))\n"
    text = JOB.replace("model: shallow", "model: narrow_nets:Net").replace("  neurons: [10]\n", "")
    (tmp_path / "narrow_nets.py").write_text(net + body)
    job = job_from_text(text, ["epochs=1", "batch_size=128"], base=tmp_path)
    launch(prepare(job, tmp_path / "data"), tmp_path / "r.db")
    (tmp_path / "narrow_nets.py").write_text(net + body + "        self.more = 1\n")
    left = left_of(prepare(job, tmp_path / "data"), tmp_path / "r.db")
    assert left.lines == ["2 earlier trials with results are no longer points of this grid; they stay in the store"]
