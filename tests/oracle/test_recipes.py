"""What `launch` stores of every key of the recipe is what PyTorch alone makes of it, packed and alone."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
import yaml

from gridsearch.config.trial import RECIPE_KEYS, Recipe
from gridsearch.models.dense import Shallow
from tests.oracle.holding import Launched, assert_held, launch, packed, plainly
from tests.oracle.recipes import CASES, NUMBERS, STARTED, STUDENT, TASKS, TEACHER, job
from tests.oracle.where import device

PACKED, ALONE, COMPILED, GRAPHED = "packed", "alone", "compiled", "graphed"
#: By which strategy models other than dense networks are trained.
STRATEGY = {PACKED: "stacked", COMPILED: "compiled", GRAPHED: "graphed"}
#: float32 adds up in other orders; bfloat16 has 8 bits, and a stack rounds elsewhere.
TOLERANCE, EXACT, OF_A_STACK_IN_BFLOAT16 = 1e-5, 1e-10, 3e-2


def launched(folder: Path, text: str, how: str) -> Launched:
    if how != ALONE:
        with packed(STRATEGY[how]):
            return launch(folder, text)
    # One of a pack is as good as all: they are alone.
    rates = yaml.safe_load(text)["space"].get("learning_rate")
    return launch(folder, text, "--pack", "off", *(["--set", f"learning_rate=[{rates[0]}]"] if rates else []))


def all_held(found: Launched, how: str, start: dict[str, torch.Tensor] | None = None) -> None:
    trials = found.trials()
    for trial in trials:
        precision = trial.config.get("precision", "float32")
        tolerance = EXACT if precision == "float64" else TOLERANCE
        if precision == "mixed" and how != ALONE:
            tolerance = OF_A_STACK_IN_BFLOAT16
        assert_held(trial, plainly(trial, trials, start), tolerance)
    if how != ALONE:
        assert set(found.strategies.values()) & {STRATEGY[how], "concatenated"}
    else:
        assert set(found.strategies.values()) == {"alone"}


@pytest.mark.parametrize("how", [ALONE, PACKED])
@pytest.mark.parametrize("case", list(CASES))
def test_the_store_has_what_torch_alone_makes_of_a_recipe(case: str, how: str, tmp_path: Path) -> None:
    all_held(launched(tmp_path, job(case.replace(" ", "-"), CASES[case]), how), how)


@pytest.mark.skipif(device().type == "cpu", reason="the processor's compiled code is held in tests/training")
@pytest.mark.parametrize("case", ["images", "penalties and limits", "exact", "mixed"])
def test_compiled_code_has_what_torch_alone_makes_of_a_recipe(case: str, tmp_path: Path) -> None:
    all_held(launched(tmp_path, job(case.replace(" ", "-"), CASES[case]), COMPILED), COMPILED)


@pytest.mark.skipif(device().type == "cpu", reason="a processor has no CUDA graphs")
@pytest.mark.parametrize("case", list(CASES))
def test_a_cuda_graph_has_what_torch_alone_makes_of_a_recipe(case: str, tmp_path: Path) -> None:
    all_held(launched(tmp_path, job(case.replace(" ", "-"), CASES[case]), GRAPHED), GRAPHED)


@pytest.mark.parametrize("how", [ALONE, PACKED, *([GRAPHED] if device().type == "cuda" else [])])
def test_students_learn_what_torch_alone_has_them_learn(how: str, tmp_path: Path) -> None:
    (tmp_path / "teacher.yaml").write_text(job("teacher", TEACHER))
    all_held(launched(tmp_path, job("student", STUDENT), how), how)


@pytest.mark.parametrize("how", [ALONE, PACKED])
def test_weights_to_start_from_are_those_of_the_file(how: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    start = Shallow(in_features=64, num_classes=10, neurons=9).state_dict()
    torch.save(start, tmp_path / "start.pt")
    all_held(launched(tmp_path, job("started", STARTED), how), how, start)


def test_no_key_and_no_value_of_one_is_left_out() -> None:
    said: dict[str, set[str]] = {}
    for text in (*CASES.values(), TEACHER, STUDENT, STARTED, *NUMBERS.values(), *TASKS.values()):
        spec = yaml.safe_load(job("any", text))
        for key, value in (spec | spec["space"]).items():
            said.setdefault(key, set()).update(map(repr, value if isinstance(value, list) else [value]))
    # What is new is missing here until it is held too.
    assert set(RECIPE_KEYS) <= said.keys()
    for key, field in Recipe.model_fields.items():
        parts = [field.annotation, *get_args(field.annotation)]
        if choices := {repr(choice) for part in parts for choice in get_args(part) if isinstance(choice, str)}:
            assert choices - {repr(field.default)} <= said[key], key
