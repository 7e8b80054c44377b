"""Each rule against its namesake in torch.optim."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gridsearch.training.recipe.optimizers import clipped, make_rule
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
        {"optimizer": "sgd", "momentum": 0.9, "l1": 0.003},
        {"optimizer": "adam", "weight_decay": 0.01, "l1": 0.003},
        {"optimizer": "adamw", "weight_decay": 0.01, "l1": 0.003},
        {"optimizer": "rmsprop", "l1": 0.003},
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
    arguments = {k: v for k, v in recipe.items() if k not in ("optimizer", "l1")}
    reference = NAMES[recipe["optimizer"]](theirs, lr=0.05, **{"weight_decay": 0.0} | arguments)
    for step in range(100):
        lr = 0.05 if step < 50 else 0.005
        gradients = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in ours]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            # What autograd makes of a loss with so many times the sum of absolute weights.
            (penalty,) = torch.autograd.grad(recipe.get("l1", 0.0) * parameter.abs().sum(), parameter)
            parameter.grad = gradient + penalty
        reference.param_groups[0]["lr"] = lr
        reference.step()
        rule.step(ours, gradients, lr)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_gradients_are_clipped_as_by_torch_and_each_of_a_stack_by_itself(limit: float) -> None:
    generator = torch.Generator().manual_seed(0)
    stacks = [torch.randn(3, *shape, generator=generator, dtype=torch.float64) for shape in [(5, 3), (5,), (2, 5)]]
    limits = torch.tensor([limit, 0.0, limit / 3], dtype=torch.float64)
    together = clipped(stacks, limits)
    for row, own in enumerate(limits.tolist()):
        theirs = [torch.zeros_like(stack[row], requires_grad=True) for stack in stacks]
        for parameter, stack in zip(theirs, stacks, strict=True):
            parameter.grad = stack[row].clone()
        if own:
            torch.nn.utils.clip_grad_norm_(theirs, own)
            alone = clipped([stack[row] for stack in stacks], own)
        else:
            alone = [stack[row] for stack in stacks]
        for parameter, packed, single in zip(theirs, together, alone, strict=True):
            torch.testing.assert_close(packed[row], parameter.grad)
            torch.testing.assert_close(single, parameter.grad)
