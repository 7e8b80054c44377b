"""On data of floats and whole numbers of any shape the store has what PyTorch alone makes of them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets
from torch import nn

from gridsearch.config.trial import Split
from gridsearch.data.npz import load_npz
from gridsearch.data.splits import apply_split
from gridsearch.models.registry import MODELS
from tests.oracle.holding import StoredTrial, assert_held, launch, packed
from tests.oracle.plain import Images, train
from tests.oracle.recipes import NUMBERS, job
from tests.oracle.where import device

#: A linear model of a table adds up little; float64 nothing that shows.
TOLERANCE, OF_A_TABLE, EXACT = 1e-5, 1e-6, 1e-10
#: What is also trained alone: a process for each takes longest.
ALONE = ("table", "tokens")


def write_data(folder: Path) -> None:
    """Write real data in other shapes and types: breast cancer's table, and the digits as almost anything."""
    table, digits = datasets.load_breast_cancer(), datasets.load_digits()
    images = digits.images / 16
    examples: dict[str, Any] = {
        "table": table.data,
        "half": table.data.astype(np.float16),
        "rows": digits.images.astype(np.float32) - 5,
        "floating": images[:, None].astype(np.float32),
        "volumes": images.reshape(-1, 1, 4, 4, 4),
        "tokens": digits.data.astype(np.int32),
    }
    for name, array in examples.items():
        labels = table.target if len(array) == len(table.target) else digits.target
        np.savez(folder / f"{name}.npz", x_train=array, y_train=labels)


def plainly(trial: StoredTrial, file: Path) -> Any:
    config = trial.config
    dtype = torch.float64 if config.get("precision") == "float64" else torch.float32
    dataset = load_npz(file)
    parts = apply_split(dataset, Split(**config["split"]), 0)

    def targets(array: Any) -> torch.Tensor:
        given = torch.from_numpy(array)
        return given if array.dtype == np.int64 else given.to(dtype).reshape(len(given), -1)

    def tensor(array: Any) -> torch.Tensor:
        given = torch.from_numpy(array).to(device())
        return given.to(dtype) if given.is_floating_point() else given.long()

    labels = [targets(one).to(device()) for one in (parts.train_labels, parts.validation_labels)]
    images = Images(tensor(parts.train_images), labels[0], tensor(parts.validation_images), labels[1])
    where, _, what = MODELS.get(config["model"], (config["model"],))[0].partition(":")
    make = getattr(importlib.import_module(where), what)
    shape = tuple(images.train.shape[1:])
    given = {"image_shape": shape, "input_shape": shape, "in_channels": shape[0], "num_classes": dataset.num_classes}
    given["in_features"] = int(np.prod(shape))
    taken = {key: value for key, value in given.items() if key in inspect.signature(make).parameters}

    def build() -> nn.Module:
        model: nn.Module = make(**taken, **config.get("hyper", {}))
        if any(isinstance(one, nn.UninitializedParameter) for one in model.parameters()):
            model(images.train[:2])
        return model

    return train(build, config, images)


@pytest.mark.parametrize(
    ("case", "how"), [*((case, "packed") for case in NUMBERS), *((case, "alone") for case in ALONE)]
)
def test_the_store_has_what_torch_alone_makes_of_numbers(
    case: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_data(tmp_path)
    text = job(case.replace(" ", "-"), NUMBERS[case]).replace("validation: 600", "validation: 300")
    (tmp_path / "number_nets.py").write_text(Path(__file__).with_name("number_nets.py").read_text())
    monkeypatch.syspath_prepend(tmp_path)
    if how == "packed":
        with packed():
            found = launch(tmp_path, text)
        assert set(found.strategies.values()) <= {"stacked", "concatenated"}
    else:
        found = launch(tmp_path, text, "--pack", "off")
    for trial in found.trials():
        tolerance = EXACT if trial.config.get("precision") == "float64" else TOLERANCE
        tolerance = OF_A_TABLE if case == "table" else tolerance
        file = next(tmp_path.glob(f"{text.partition('dataset: ')[2].splitlines()[0]}"))
        assert_held(trial, plainly(trial, file), tolerance)
