"""Each rule against its namesake in torch.optim."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gridsearch.training.optimizers import make_rule
from tests.training.conftest import config

NAMES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "weight_decay": 0.01},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"optimizer": "adam"},
        {"optimizer": "adam", "weight_decay": 0.01},
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"optimizer": "rmsprop"},
        {"optimizer": "rmsprop", "momentum": 0.9, "weight_decay": 0.01},
    ],
    ids=str,
)
def test_a_rule_is_its_namesake(recipe: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(5, 3), (5,), (2, 5), ()]
    ours = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    theirs = [p.clone().requires_grad_() for p in ours]
    chosen = config(learning_rate=0.05, **recipe)
    rule = make_rule([chosen], ours, lambda values: values[0])
    arguments = {k: v for k, v in recipe.items() if k != "optimizer"}
    reference = NAMES[recipe["optimizer"]](theirs, lr=0.05, **{"weight_decay": 0.0} | arguments)
    for step in range(100):
        lr = 0.05 if step < 50 else 0.005
        gradients = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in ours]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient.clone()
        reference.param_groups[0]["lr"] = lr
        reference.step()
        rule.step(ours, gradients, lr)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.detach(), rtol=1e-12, atol=1e-12)
