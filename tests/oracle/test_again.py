"""A launch that is made again, in another store, has the same numbers to the bit, packed and alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracle.holding import launch, packed
from tests.oracle.odd_models import KINDS
from tests.oracle.recipes import CASES, job
from tests.oracle.where import device

#: On a processor one thread adds up in one order; on a GPU each kernel must do so by itself, so all is tried there.
CASES_HERE = list(CASES) if device().type != "cpu" else ["images"]
#: Models with layers that no recipe has, on which a GPU's kernels may add up in any order.
MODELS: dict[str, dict[str, int]] = {
    "squeezenet": {"base_expand": 16, "expand_increment": 8, "fires": 2},
    "deep_cnn": {},
    "lightnn": {},
    "resnet18": {"resize": 16},
    "mobilenet_v3_small": {},
}


def assert_same_again(text: str, folder: Path, *options: str) -> None:
    one, other = (launch(folder / name, text, *options).trials() for name in ("one", "other"))
    assert [trial.numbers for trial in one] == [trial.numbers for trial in other]
    assert [trial.epochs for trial in one] == [trial.epochs for trial in other]


@pytest.mark.parametrize("case", CASES_HERE)
def test_packed_is_the_same_again(case: str, tmp_path: Path) -> None:
    with packed():
        assert_same_again(job("again", CASES[case]), tmp_path)


@pytest.mark.parametrize("case", CASES_HERE)
def test_alone_is_the_same_again(case: str, tmp_path: Path) -> None:
    assert_same_again(job("again", CASES[case]), tmp_path, "--pack", "off")


@pytest.mark.skipif(device().type == "cpu", reason="one thread of a processor adds up in one order")
@pytest.mark.parametrize("model", list(MODELS))
def test_large_models_are_the_same_again(model: str, tmp_path: Path) -> None:
    axes = {key: [value] for key, value in MODELS[model].items()} | {"learning_rate": [0.05, 0.02]}
    text = job("again", f"model: {model}\nepochs: 2\nspace: {json.dumps(axes)}\n")
    with packed():
        assert_same_again(text, tmp_path)


@pytest.mark.skipif(device().type == "cpu", reason="one thread of a processor adds up in one order")
def test_odd_models_are_the_same_again(tmp_path: Path) -> None:
    space = {"kind": [kind for kind in KINDS if kind != "lazy_layers"], "learning_rate": [0.05, 0.02]}
    text = job("again", f"model: tests.oracle.odd:Odd\nepochs: 2\nspace: {json.dumps(space)}\n")
    with packed():
        one, other = (launch(tmp_path / name, text, code=None).trials() for name in ("one", "other"))
    pairs = zip(one, other, strict=True)
    assert not {str(a.hyper["kind"]) for a, b in pairs if (a.numbers, a.epochs) != (b.numbers, b.epochs)}
