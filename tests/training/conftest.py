"""Real digits on the CPU, and lineages to train on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch.config.trial import Split, TrialConfig
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import apply_split
from gridsearch.models.registry import find_model
from gridsearch.training.arrays import to_device
from gridsearch.training.loop.task import LineageTask, WorkerContext

MakePlace = Callable[..., WorkerContext]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits_split() -> Any:
    return apply_split(load_digits(), Split(test=0.1), 0)


@pytest.fixture
def make_place(digits_split: Any, tmp_path: Path) -> MakePlace:
    cpu = torch.device("cpu")
    train = to_device(digits_split.train_images, digits_split.train_labels, cpu)
    validation = to_device(digits_split.validation_images, digits_split.validation_labels, cpu)

    def make(checkpoints: str = "checkpoints", **changes: Any) -> WorkerContext:
        return WorkerContext(
            **{
                "device": cpu,
                "train": train,
                "validation": validation,
                "num_classes": 10,
                "checkpoints": tmp_path / checkpoints,
                **changes,
            }
        )

    return make


def config(**changes: Any) -> TrialConfig:
    basis: dict[str, Any] = {
        "dataset": "digits",
        "model": "shallow",
        "hyper": {"neurons": 20},
        "batch_size": 64,
        "epochs": 4,
        "learning_rate": 0.1,
    }
    return TrialConfig(**basis | changes)


def task(recorded: int = -1, attempt: int = 1, name: str = "a" * 64, **changes: Any) -> LineageTask:
    return LineageTask(name, attempt, config(**changes), recorded)


MODELS = '''
import torch
from torch import nn

class Odd(nn.Module):
    """Dropout, batch norm, a buffer, an unused parameter: what users bring."""

    def __init__(self, in_features, num_classes, dropout=0.5):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(in_features, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(32, num_classes),
        )
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.layers(x)

class Hooked(Odd):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.layers[-1].weight.register_hook(lambda gradient: gradient * 0)

class ChangesInput(Odd):
    def forward(self, x):
        return self.layers(x.sub_(0.3))

class WrongShape(Odd):
    def forward(self, x):
        return self.layers(x)[:, :3]

class Raises(Odd):
    def forward(self, x):
        raise RuntimeError("the model is unwell\\nand says so on two lines")
'''


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "odd_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def own(kind: str, folder: Path, **changes: object) -> LineageTask:
    model = f"odd_models:{kind}"
    return task(model=model, model_code=find_model(model, [folder]).code, hyper={}, **changes)
