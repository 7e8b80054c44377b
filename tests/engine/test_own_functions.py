"""Schedules and transforms of the user's own: who a trial is by them, what they are given, and what is refused."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from gridsearch.analysis.settings import setting_values
from gridsearch.config.events import TrialState
from gridsearch.config.identity import flatten, parse_with_lineage
from gridsearch.engine.executors import inline
from gridsearch.engine.prepare.changes import changes
from gridsearch.errors import GridsearchError
from gridsearch.store.opening import open_store
from tests.engine.launching import Notes, launch, prepared, table

FUNCTIONS = """
import math, os, sys
import torch
from torchvision.transforms import v2

def decay(epoch, step, *, steps_per_epoch, rate=0.9): return rate ** (step / steps_per_epoch)
def to_zero(epoch, *, epochs, strength: float = 1): return (1 - epoch / epochs) ** strength
def text(epoch): return "fast"
def yes(epoch): return True
def nan(epoch, step): return math.nan if step > 3 else 1.0
def negative(epoch): return -1
def neither(a): return 1
def anything(epoch, **kw): return 1
def needs(epoch, what): return 1.0
def clash(epoch, neurons=3): return 1.0
def recipe(epoch, gamma=3): return 1.0
def raises(epoch): return {}["x"]
def leaves(epoch): sys.exit(3)
def dies(epoch): os._exit(3)
calls = []
def impure(epoch):
    calls.append(epoch)
    return 1 / len(calls)

def turned(degrees=10.0, noise=0.05):
    return v2.Compose([v2.RandomRotation(degrees), v2.Lambda(lambda x: x + noise * torch.randn(x.shape))])
def nothing(): return None
def smaller(): return v2.Resize(4)
def half(): return lambda image: image.half()
def also(degrees=20.0): return lambda image: image
def degrees(epoch, *, degrees=5.0): return 1.0
def model(epoch, model=3): return 1.0
def of_loss(epoch, loss_gamma=3): return 1.0
def array(): return lambda image: image.numpy()
def unseeded():
    own = torch.Generator()
    own.seed()
    return lambda image: image + torch.randn(image.shape, generator=own)
"""
SMALL = ("epochs=[2]", "learning_rate=[0.1]", "batch_size=[64]", "split.train=150")


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    # A module of another name in each test: it is imported here, too.
    (tmp_path / f"{module_of(request)}.py").write_text(FUNCTIONS)
    return tmp_path


def module_of(request: pytest.FixtureRequest) -> str:
    return f"own_{zlib.crc32(request.node.name.encode())}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("schedule=M:text", "schedule 'M:text' returned 'fast' for epoch 0; it must return a factor of the learning"),
        ("schedule=M:yes", "returned True for epoch 0; it must return a factor"),
        ("schedule=M:nan", "returned nan for epoch"),
        ("schedule=M:negative", "returned -1 for epoch 0"),
        ("schedule=M:neither", "must take epoch, step or both: def fn"),
        ("schedule=M:anything", "takes any arguments (**kw); name its settings"),
        ("schedule=M:needs", "needs 'what'; add it under 'space'"),
        ("schedule=M:clash", "neurons: is an argument of schedule 'M:clash' and a setting of model 'shallow'; rename"),
        ("schedule=M:recipe", "its argument 'gamma' has the name of a setting of the recipe; call it otherwise"),
        ("schedule=M:model", "its argument 'model' has the name of a setting"),
        ("schedule=M:of_loss", "its argument 'loss_gamma' has the name of a setting"),
        (
            "schedule=M:degrees augment=M:turned",
            "its argument 'degrees' is one of augment 'M:turned' too, with another",
        ),
        ("schedule=M:raises", "raised KeyError: 'x' (M.py:17 in raises)"),
        ("schedule=M:leaves", "raised SystemExit: 3 when it was tried"),
        ("schedule=M:dies", "ended its process with exit code 3 when it was tried"),
        ("schedule=M:impure", "and then something else for epoch"),
        ("schedule=M:decai", "has no 'decai' (did you mean 'decay'?)"),
        ("schedule=nowhere:decay", "no module named 'nowhere' beside the job file"),
        ("schedule=linear", "'linear' is not one of constant, step, cosine, polynomial, one_cycle, plateau, or a"),
        ("augment=M:nothing", "returned NoneType; it must return a transform"),
        ("augment=M:smaller", "makes (1, 4, 4) float32 of (1, 8, 8) float32; it must leave both"),
        ("augment=M:half", "makes (1, 8, 8) float16 of (1, 8, 8) float32; it must leave both"),
        ("augment=M:array", "returned ndarray, not a tensor"),
        ("augment=M:unseeded", "makes something else of the same images each time"),
        ("augment=flip", "'flip' is no function: write it as module:function"),
    ],
)
def test_what_is_no_schedule_or_transform_is_refused_in_one_line(
    folder: Path, request: pytest.FixtureRequest, override: str, said: str
) -> None:
    name = module_of(request)
    with pytest.raises(GridsearchError) as raised:
        prepared(folder, *SMALL, *override.replace("M", name).split())
    text = str(raised.value)
    assert said.replace("M", name) in text, text
    assert "\n" not in text and text.startswith(("--set", "job:"))


def test_a_value_that_a_function_cannot_have_is_refused(folder: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(GridsearchError, match="noise: augment '.*:turned': 'loud' is text, but it takes a number"):
        prepared(folder, *SMALL, f"augment={module_of(request)}:turned", "space.noise=[loud]")


def test_arguments_are_settings_of_the_trials_that_call_the_function(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    name = module_of(request)
    job = prepared(
        folder,
        "epochs=[2,3]",
        *SMALL[1:],
        f"schedule=[constant,{name}:decay,{name}:to_zero]",
        "space.rate=[0.5,0.9]",
        f"augment=['',{name}:turned]",
        "space.noise=[0.0,0.1]",
    )
    # One constant, two of decay, one of to_zero; each with no transform, or with one of two.
    assert len(job.grid.trials) == 4 * 3 * 2
    lineages = {
        schedule: {trial.lineage_id for trial in job.grid.trials if trial.config.schedule.endswith(schedule)}
        for schedule in ("constant", "decay", "to_zero")
    }
    assert {schedule: len(found) for schedule, found in lineages.items()} == {"constant": 3, "decay": 6, "to_zero": 6}
    for trial in job.grid.trials:
        assert parse_with_lineage(trial.canonical) == (trial.config, trial.lineage_id)
        assert flatten(trial.canonical) == trial.config.settings()
    assert launch(job, folder / "r.db").counts[TrialState.COMPLETED] == 24
    canonical = [trial.canonical for trial in job.grid.trials]
    columns = setting_values(job.record(), canonical)
    for place, text in enumerate(canonical):
        settings = flatten(text)
        for key in ("rate", "noise", "strength", "degrees", "schedule"):
            assert columns[key][place] == settings.get(key)
    # What a function has by default is the same trial as what a job says.
    short = prepared(folder, *SMALL, f"schedule={name}:decay")
    said = prepared(folder, *SMALL, f"schedule={name}:decay", "space.rate=0.9")
    assert [trial.trial_id for trial in short.grid.trials] == [trial.trial_id for trial in said.grid.trials]


def test_an_edited_function_is_another_and_what_was_planned_is_not_trained_by_it(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    name = module_of(request)
    overrides = (*SMALL, f"schedule={name}:decay", f"augment={name}:turned")
    first = prepared(folder, *overrides)
    (folder / f"{name}.py").write_text(FUNCTIONS + "\nmore = 1\n")
    second = prepared(folder, *overrides)
    assert first.grid.trials[0].trial_id != second.grid.trials[0].trial_id
    end = launch(first, folder / "r.db")
    assert end.counts[TrialState.FAILED] == 1
    with open_store(folder / "r.db", create=False) as store:
        (row,) = store.trials("small")
        assert row.error is not None
        assert "changed since this trial was planned" in row.error and "launch again" in row.error
        assert changes(second, store) == [f"edited: {name}:decay", f"edited: {name}:turned"]


def test_stopped_and_resumed_it_is_the_same(
    folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline, "REPORT_SECONDS", 0.0)
    name = module_of(request)
    job = prepared(
        folder,
        "epochs=[5]",
        "split.train=150",
        "learning_rate=[0.1,0.05]",
        "batch_size=[32]",
        f"schedule={name}:decay",
        f"augment={name}:turned",
        "flip=true",
    )
    notes = Notes()
    assert launch(job, folder / "r.db", notes=notes, stopping=lambda: len(notes.epochs) >= 5).interrupted
    launch(job, folder / "r.db")
    launch(job, folder / "whole.db")
    assert table(folder / "r.db") == table(folder / "whole.db")


def test_the_batch_size_does_not_change_what_becomes_of_an_image(folder: Path, request: pytest.FixtureRequest) -> None:
    # Without steps that matter the training loss is that of the same changed images, whatever the batches.
    name = module_of(request)
    job = prepared(
        folder,
        "epochs=[2]",
        "split.train=150",
        "learning_rate=[1e-12]",
        "batch_size=[16,100]",
        f"augment={name}:turned",
        "space.noise=0.5",
    )
    launch(job, folder / "r.db")
    plain = prepared(folder, "epochs=[2]", "split.train=150", "learning_rate=[1e-12]", "batch_size=[16]")
    launch(plain, folder / "plain.db")
    losses = [row[1] for row in table(folder / "r.db").values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    (other,) = [row[1] for row in table(folder / "plain.db").values()]
    assert abs(losses[0] - other) > 1e-3


def test_canonical_forms_have_nothing_of_functions_where_there_are_none(tmp_path: Path) -> None:
    (trial,) = prepared(tmp_path, *SMALL, "schedule=cosine").grid.trials
    assert not [key for key in json.loads(trial.canonical) if key.startswith(("augment", "schedule_"))]
