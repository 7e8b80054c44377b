"""Arguments of a data set's function as settings: which data set a trial has, who it is, and what is refused."""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from gridsearch.analysis.frames import load
from gridsearch.cli.render.plans import Left, doom_lines, leaving, plan_json, plan_text, remark_lines
from gridsearch.config.events import TrialState
from gridsearch.config.identity import parse
from gridsearch.config.job import job_from_text
from gridsearch.config.record import JobRecord
from gridsearch.config.selection import selecting
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.prepare import data_function
from gridsearch.engine.prepare.changes import changes
from gridsearch.engine.prepare.narrowing import narrowing
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.prepare.teachers import check_chain, in_order
from gridsearch.engine.run.explaining import explain
from gridsearch.engine.run.launch import worker_settings
from gridsearch.engine.run.planning import LaunchOptions, check_same_job, needed_datasets, plan_job, plan_packs
from gridsearch.engine.trained.load import ModelSource, trained
from gridsearch.errors import DataError, GridsearchError, JobError
from gridsearch.store.opening import open_store
from tests.engine.launching import Notes, launch, prepared, table

DATA = """\
import numpy as np, torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

digits = load_digits()
pixels, labels = np.round(digits.images * (255 / 16)).astype(np.uint8), digits.target

def load(size: int = 8, first=600, tensors=False):
    if size == 13:
        raise ValueError("thirteen")
    times = size // 8
    x, y = np.kron(pixels, np.ones((1, times, times), np.uint8))[:first], labels[:first]
    if size == 24:
        x, y = x[y < 5], y[y < 5]
    if tensors:
        return TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), None, None
    return (x, y), None, None
"""
NETS = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, size: int = 8, width: int = 4, num_classes: int = 10):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size**2, width), nn.ReLU(), nn.Linear(width, num_classes))
    def forward(self, x):
        return self.layers(x)

class Small(nn.Module):
    def __init__(self, width: int = 4, num_classes: int = 10):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
    def forward(self, x):
        return self.layers(x)
"""
JOB = """\
name: small
dataset: {module}:load
split: {{test: 0.1}}
model: perceptron
epochs: 1
batch_size: 64
learning_rate: 0.1
"""
SIZES = JOB + "space:\n  size: [8, 16]\n"
_NUMBER = itertools.count()


@pytest.fixture
def module(tmp_path: Path) -> str:
    """A module of a name that no other test has imported."""
    name = f"sized_data_{next(_NUMBER)}"
    (tmp_path / f"{name}.py").write_text(DATA)
    return name


def sizes_of(job: PreparedJob) -> dict[object, tuple[int, ...]]:
    """Return the shape of an example by the size that its trials have."""
    record = job.record()
    return {
        record.settings_of(trial.canonical)["size"]: job.datasets[trial.config.dataset].image_shape
        for trial in job.grid.trials
    }


def test_each_trial_has_the_data_set_of_its_settings_and_all_that_is_made_of_it(tmp_path: Path, module: str) -> None:
    job = prepared(tmp_path, "space.tensors=[false, true]", text=SIZES.format(module=module))
    assert sizes_of(job) == {8: (1, 8, 8), 16: (1, 16, 16)}
    # Arrays and a Dataset of the same content are one data set, and trials of their own.
    assert (len(job.datasets), len(job.grid.trials)) == (2, 4)
    store = tmp_path / "results.db"
    assert launch(job, store).counts == {TrialState.COMPLETED: 4}
    by_id = {trial.trial_id: trial.config.data_settings for trial in job.grid.trials}
    numbers = {json.dumps(by_id[key]): row for key, row in table(store).items()}
    assert numbers['{"size": 16}'] == numbers['{"size": 16, "tensors": true}'] != numbers["{}"]
    with open_store(store, create=False) as opened:
        data = load(opened, "small")
        assert data.trials["size"].tolist() == [8, 8, 16, 16]
        assert [axis.name for axis in data.axes] == ["size", "tensors"]
        for row in opened.trials("small"):
            found = trained(ModelSource(opened, store, tmp_path / "data"), "small", row.trial_id)
            side = parse(row.config).data_settings.get("size", 8)
            assert found.split.dataset.image_shape == (1, side, side) == tuple(found.test().images.shape[1:])
            assert found.job.record.example(found.config.dataset) == ((1, side, side), None)
        # What has a result needs no worker any more.
        wider = prepared(tmp_path, "space.size=[8, 16, 32]", text=SIZES.format(module=module))
        needed = needed_datasets(wider, opened)
        settings = worker_settings(wider, store, LaunchOptions(1, "cpu"), datasets=needed)
        assert {split.dataset.image_shape for split in settings.splits.values()} == {(1, 32, 32)}


def test_a_trial_is_what_it_is_without_the_axis_and_a_new_value_trains_alone(tmp_path: Path, module: str) -> None:
    store, text = tmp_path / "results.db", JOB.format(module=module)
    plain = prepared(tmp_path, text=text)
    assert "data_settings" not in plain.grid.trials[0].canonical and not plain.record().datasets
    launch(plain, store)
    job = prepared(tmp_path, text=SIZES.format(module=module))
    assert job.grid.trials[0].trial_id == plain.grid.trials[0].trial_id
    assert job.grid.trials[1].config.data_settings == {"size": 16}
    notes = Notes()
    with open_store(store) as opened:
        check_same_job(job, opened)
        assert (plan_job(job, opened).done, plan_job(job, opened).new) == (1, 1)
        assert remark_lines(job, opened, plan_job(job, opened)) == ["small: new since the last launch: size 16"]
    launch(job, store, notes=notes)
    assert {epoch.lineage_id for epoch in notes.epochs} == {job.grid.trials[1].lineage_id}
    # So with options: what they say is what a trial has that says nothing.
    options = SIZES.format(module=module) + "dataset_options: {size: 16, first: 300}\n"
    fixed = prepared(tmp_path, "space={}", text=options)
    both = prepared(tmp_path, text=options)
    assert [trial.config.data_settings for trial in both.grid.trials] == [{"size": 8}, {}]
    assert both.grid.trials[1].trial_id == fixed.grid.trials[0].trial_id
    assert sizes_of(both) == {8: (1, 8, 8), 16: (1, 16, 16)} and both.images()["train"] == 216


def test_edited_code_trains_anew_in_the_same_job(tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, text = tmp_path / "results.db", SIZES.format(module=module)
    first = prepared(tmp_path, text=text)
    launch(first, store)
    (tmp_path / f"{module}.py").write_text(DATA + "# edited\n")
    monkeypatch.setattr(data_function, "_known", {})  # as in a Python of its own
    monkeypatch.delitem(sys.modules, module)
    edited = prepared(tmp_path, text=text)
    with open_store(store) as opened:
        check_same_job(edited, opened)
        assert changes(edited, opened) == [f"the code, images or labels in {module}:load have changed"]
    notes = Notes()
    assert launch(edited, store, notes=notes).counts == {TrialState.COMPLETED: 2}
    assert len({epoch.lineage_id for epoch in notes.epochs}) == 2
    assert {trial.trial_id for trial in edited.grid.trials}.isdisjoint(trial.trial_id for trial in first.grid.trials)


def test_what_was_interrupted_goes_on_as_if_nothing_had_been(tmp_path: Path, module: str) -> None:
    text = SIZES.format(module=module).replace("epochs: 1", "epochs: 3")
    whole = prepared(tmp_path, text=text)
    launch(whole, tmp_path / "whole.db")
    stopped: list[bool] = []
    notes = Notes(after=2, act=lambda: stopped.append(True))
    path = tmp_path / "cut.db"
    assert launch(whole, path, notes=notes, stopping=lambda: bool(stopped)).interrupted
    again = Notes()
    launch(prepared(tmp_path, text=text), path, notes=again)
    assert 0 < len(again.epochs) < 2 * 4
    assert table(path) == table(tmp_path / "whole.db")


def test_no_pack_mixes_data_sets_and_a_plan_says_what_there_is(tmp_path: Path, module: str) -> None:
    text = SIZES.format(module=module) + "  first: [600, 500]\n"
    job = prepared(tmp_path, "learning_rate=[0.1, 0.01]", text=text)
    packs = plan_packs(job, plan_job(job, None).lineages, LaunchOptions(1, "cpu"))
    assert sorted(len(pack.lineages) for pack in packs) == [2, 2, 2, 2]
    assert all(len({lineage.config.dataset for lineage in pack.lineages}) == 1 for pack in packs)
    steps = {lineage.config.data_settings.get("first", 600): lineage.steps for lineage in plan_job(job, None).lineages}
    assert steps == {600: 7, 500: 6}  # of 432 and of 360 images, 64 at a time
    shown = plan_text(job, plan_job(job, None), packs, Left(), width=None)
    assert re.search(r"^data sets +4  by size, first; \d+ kB in memory$", shown, re.MULTILINE)
    assert "size 16, first 500: 1 x 16 x 16; 360 train, 90 validation, 50 test" in shown
    told = plan_json(job, plan_job(job, None), packs, Left())["datasets"]
    assert [one["settings"] for one in told][1] == {"size": 8, "first": 500}
    explained = explain(job, packs, [], device="cpu", threads=1)
    assert {json.dumps(one.shared["data"]) for one in explained} == {
        json.dumps({"size": size, "first": first}) for size in (8, 16) for first in (600, 500)
    }


def test_rules_only_and_set_are_of_these_settings_too_and_what_they_leave_out_is_not_made(
    tmp_path: Path, module: str
) -> None:
    text = SIZES.format(module=module).replace("[8, 16]", "[8, 13, 16]") + "rules: [{skip: size == 13}]\n"
    job = prepared(tmp_path, text=text)
    assert sizes_of(job) == {8: (1, 8, 8), 16: (1, 16, 16)}
    chosen = prepare(selecting(job.job, ["size > 8"]), tmp_path / "data")
    assert len(chosen.grid.chosen or ()) == 1
    store = tmp_path / "results.db"
    launch(job, store)
    part = prepared(tmp_path, "space.size=[16]", text=text)
    assert sizes_of(part) == {16: (1, 16, 16)}
    with open_store(store) as opened:
        left = leaving(part, opened)
        assert narrowing(part, opened).trials == 1 and "comes back with" in left.lines[0]
        assert narrowing(part, opened).only == "size == 16"


def test_a_name_that_a_model_takes_too_goes_to_both(tmp_path: Path, module: str) -> None:
    nets = f"nets_{module}"
    (tmp_path / f"{nets}.py").write_text(NETS)
    text = SIZES.format(module=module).replace("perceptron", f"[{nets}:Net, perceptron]")
    job = prepared(tmp_path, text=text)
    configs = [trial.config for trial in job.grid.trials]
    assert [(config.hyper, config.data_settings) for config in configs] == [
        ({}, {}), ({"size": 16}, {"size": 16}), ({}, {}), ({}, {"size": 16})
    ]  # fmt: skip
    assert not job.dooms
    assert launch(job, tmp_path / "results.db").counts == {TrialState.COMPLETED: 4}
    with open_store(tmp_path / "results.db") as opened:
        assert load(opened, "small").trials["size"].tolist() == [8, 16, 8, 16]


def test_a_model_that_does_not_suit_one_data_set_fails_there_alone(tmp_path: Path, module: str) -> None:
    nets = f"nets_{module}"
    (tmp_path / f"{nets}.py").write_text(NETS)
    text = SIZES.format(module=module).replace("perceptron", f"{nets}:Small") + "  width: [3, 4]\n"
    job = prepared(tmp_path, text=text)
    (doom,) = job.dooms
    assert doom.place == "job:9:13" and doom.shared == {"size": 16}
    (line,) = doom_lines(job, plan_job(job, None))
    assert line.endswith("2 trials of 4 cannot be trained; leave them out with a rule, skip: size == 16")
    assert launch(job, tmp_path / "results.db").counts == {TrialState.COMPLETED: 2, TrialState.FAILED: 2}
    with pytest.raises(GridsearchError, match=f"model '{nets}:Small' does not work with size=16"):
        prepared(tmp_path, "space.size=[16]", text=text)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            "{size: [8, 13]}",
            r"^job:8:19: size: with 13: \S+:load: ValueError: thirteen \(\S+ in load\); mend the function, or leave it"
            r" out with a rule, skip: size == 13$",
        ),
        (
            "{size: [13], first: [600, 500]}",
            r"^job:2:10: dataset: with size 13, first 600: .* thirteen .*, skip: size == 13 and first == 600$",
        ),
        (
            "{size: [8, 24]}",
            r"^job:8:19: size: with 24: \S+:load has 5 classes, and 10 with size 8; trials of one job are compared",
        ),
        ("{size: [8, 8.5]}", r"^job:8:19: size: \S+:load: 8.5 is not a whole number$"),
        ("{sise: [8, 16]}", r"^job:8:9: .* is neither a recipe key nor a setting of model 'perceptron', nor an argument"
         r" of \S+:load \(did you mean 'size'\?\)$"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, module: str, space: str, said: str) -> None:
    with pytest.raises(GridsearchError, match=said):
        prepared(tmp_path, text=JOB.format(module=module) + f"space: {space}\n")


def test_options_and_names_that_a_setting_cannot_have(tmp_path: Path, module: str) -> None:
    text = SIZES.format(module=module)
    with pytest.raises(DataError, match=r"^job:10:\d+: dataset_options: other: \S+ does not take it"):
        prepared(tmp_path, text=text + "dataset_options: {other: 3}\n")
    (tmp_path / f"{module}x.py").write_text("def load(fold, n):\n    pass\n")
    with pytest.raises(JobError, match=r"^job:8:9: fold: a trial has a fold of its own; call the argument of \S+"):
        prepared(tmp_path, text=JOB.format(module=f"{module}x") + "space: {fold: [1, 2]}\n")
    with pytest.raises(DataError, match=r"^job:2:10: dataset: \S+ needs 'fold': write dataset_options"):
        prepared(tmp_path, text=JOB.format(module=f"{module}x") + "space: {n: [1, 2]}\n")


def test_folds_and_splits_are_of_each_data_set(tmp_path: Path, module: str) -> None:
    text = SIZES.format(module=module).replace("{test: 0.1}", "{folds: 2}") + "repeats: 2\nrepeat_over: split\n"
    job = prepared(tmp_path, text=text)
    assert len(job.grid.trials) == len(job.splits) == 2 * 2 * 2
    assert {job.splits[trial.config.split_key].dataset.fingerprint for trial in job.grid.trials} == set(job.datasets)
    assert launch(job, tmp_path / "results.db").counts == {TrialState.COMPLETED: 8}


def test_data_sets_of_which_some_bring_validation_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "validated_data.py").write_text(DATA.replace("return (x, y), None", "return (x, y), (x, y)"))
    text = SIZES.format(module="validated_data") + "  tensors: [false, true]\n"
    with pytest.raises(
        DataError,
        match=r"^job:2:10: dataset: with size 8, tensors true: \S+ has no validation images of its own, but some",
    ):
        prepared(tmp_path, text=text)


def test_a_teacher_sees_what_its_students_see(tmp_path: Path, module: str) -> None:
    (tmp_path / "teaches.yaml").write_text(JOB.format(module=module).replace("small", "teaches"))
    text = SIZES.format(module=module) + "teacher: {job: teaches}\ndistillation: [none, soft]\n"
    students = job_from_text(text, base=tmp_path)
    chain = in_order(students, None)
    with pytest.raises(JobError, match=r"has images of the shape \(1, 8, 8\), this job \(1, 16, 16\); a teacher sees"):
        check_chain(chain, None, tmp_path / "data")
    rule = "rules: [{skip: size == 16 and distillation == 'soft'}]\n"
    check_chain(in_order(job_from_text(text + rule, base=tmp_path), None), None, tmp_path / "data")


def test_records_of_data_sets_without_settings_are_as_before_and_others_come_back(tmp_path: Path, module: str) -> None:
    job = prepared(tmp_path, text=SIZES.format(module=module))
    record = job.record()
    again = JobRecord(**json.loads(json.dumps(record.as_json())))
    assert (again.as_json(), again.datasets) == (record.as_json(), record.datasets)
    assert [one.image_shape for one in record.datasets] == [(1, 8, 8), (1, 16, 16)]
    assert record.fingerprints() == set(job.datasets) and record.data_defaults == {"size": 8}
    plain = prepared(tmp_path, text=JOB.format(module=module)).record().as_json()
    assert not {"datasets", "data_defaults"} & set(plain)
    assert JobRecord(**plain).fingerprints() == {plain["fingerprint"]}


@pytest.mark.slow
def test_ray_workers_get_the_data_sets_of_their_packs(tmp_path: Path, module: str) -> None:
    from gridsearch.engine.executors.ray_session import RayOptions, RaySession
    from gridsearch.engine.executors.ray_tune import RayTuneExecutor

    text = SIZES.format(module=module)
    here = prepared(tmp_path, "learning_rate=[0.1, 0.01]", text=text)
    launch(here, tmp_path / "inline.db", make=InlineExecutor)
    session = RaySession(RayOptions(2, 0.0, tmp_path / "scratch"))

    def make(settings: WorkerSettings) -> RayTuneExecutor:
        return RayTuneExecutor(settings, session)

    launch(prepared(tmp_path, "learning_rate=[0.1, 0.01]", text=text), tmp_path / "ray.db", make=make)
    ours, theirs = table(tmp_path / "ray.db"), table(tmp_path / "inline.db")
    assert ours.keys() == theirs.keys() and len(ours) == 4
    for key, row in ours.items():
        assert np.allclose(row[1:], theirs[key][1:], rtol=1e-4)
