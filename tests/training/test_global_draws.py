"""Models that draw from numpy and Python's `random`, are lazy, or keep state of their own: a trial like any other."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gridsearch.config.events import EpochRecord, WorkerEvent
from gridsearch.models.registry import find_model
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member, drawn_model
from gridsearch.training.loop.pack import train_group
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.stacking.grouping import behaviour_of
from gridsearch.training.strategies.stacked import Stacked
from tests.training.conftest import MakePlace, task

MODELS = """
import random
import numpy as np
import torch
from torch import nn

class Constructed(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.layer = nn.Linear(in_features, num_classes)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor(np.random.uniform(-0.2, 0.2, (num_classes, in_features))))
            self.layer.bias.fill_(random.random())
    def forward(self, x):
        return self.layer(x.flatten(1))

class Forward(Constructed):
    def forward(self, x):
        noise = np.random.rand() * 0.1 + random.random() * 0.1 if self.training else 0.0
        return super().forward(x + noise)

class Lazy(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.LazyLinear(16), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(num_classes))

class Counts(Constructed):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.calls = 0
    def forward(self, x):
        self.calls += self.training
        return super().forward(x) * (1 + 0.01 * self.calls)
    def get_extra_state(self):
        return torch.tensor(self.calls)
    def set_extra_state(self, state):
        self.calls = int(state)
"""
NAMES = ("Constructed", "Forward", "Lazy", "Counts")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "drawing_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def of(name: str, folder: Path, **changes: object) -> LineageTask:
    model = f"drawing_models:{name}"
    return task(model=model, model_code=find_model(model, [folder]).code, hyper={}, **changes)


def records(events: Iterable[WorkerEvent]) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {}
    for event in events:
        if isinstance(event, EpochRecord):
            numbers = (event.train_loss, event.val_loss, event.val_accuracy)
            found.setdefault(event.lineage_id, []).append(numbers)
    return found


def train(make_place: MakePlace, folder: str, one: LineageTask) -> dict[str, list[tuple[float, ...]]]:
    context = make_place(folder)
    return records(train_group([Member(one, context)], context))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_trial_has_the_same_numbers_whatever_was_drawn_before(
    make_place: MakePlace, models: Path, name: str
) -> None:
    first = train(make_place, "first", of(name, models, epochs=2))
    torch.rand(3), np.random.rand(3), random.random()
    assert train(make_place, "second", of(name, models, epochs=2)) == first
    assert train(make_place, "third", of(name, models, epochs=2, seed=1)) != first


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_where_it_stood(make_place: MakePlace, models: Path, name: str) -> None:
    whole = train(make_place, "whole", of(name, models, epochs=4))["a" * 64]
    train(make_place, "parts", of(name, models, epochs=2))
    np.random.rand()
    assert whole[3:] == train(make_place, "parts", of(name, models, epochs=4, recorded=2))["a" * 64]


@pytest.mark.parametrize("kind", ["Constructed", "Forward", "Lazy"])
def test_stacked_as_alone(make_place: MakePlace, models: Path, kind: str) -> None:
    rates = (0.1, 0.05, 0.01)
    tasks = [replace(of(kind, models, epochs=2, learning_rate=rate), lineage_id=f"{rate:064}") for rate in rates]
    context = make_place("stacked")
    stacked = records(advance([Member(one, context) for one in tasks], context, Stacked))
    for one in tasks:
        alone = train(make_place, "alone", one)[one.lineage_id]
        assert [loss for loss, *_ in stacked[one.lineage_id]] == pytest.approx([loss for loss, *_ in alone], rel=1e-4)


def test_a_forward_that_draws_is_seen_to_draw(make_place: MakePlace, models: Path) -> None:
    context = make_place()
    draws = {name: behaviour_of(drawn_model(of(name, models).config, context), (1, 8, 8)).draws for name in NAMES}
    assert draws == {"Constructed": False, "Forward": True, "Lazy": False, "Counts": False}
