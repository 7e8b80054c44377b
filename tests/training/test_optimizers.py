"""Each rule against its namesake in torch.optim."""

from __future__ import annotations

from collections.abc import Sequence
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
        {"optimizer": "adam", "betas": [0.5, 0.9], "eps": 1e-3},
        {"optimizer": "adamw", "betas": [0.0, 0.0], "weight_decay": 0.01},
        {"optimizer": "rmsprop", "alpha": 0.5, "eps": 1e-3, "momentum": 0.9},
        {"optimizer": "rmsprop", "alpha": 0.0},
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


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_each_of_a_stack_has_coefficients_of_its_own(optimizer: str) -> None:
    generator = torch.Generator().manual_seed(0)
    recipes = [
        config(optimizer=optimizer, betas=[0.9, 0.999], eps=1e-8, alpha=0.99, weight_decay=0.01),
        config(optimizer=optimizer, betas=[0.0, 0.5], eps=1e-2, alpha=0.0),
        config(optimizer=optimizer, betas=[0.5, 0.999], eps=1e-8, alpha=0.5),
    ]
    stacks = [torch.randn(3, *shape, generator=generator, dtype=torch.float64) for shape in [(5, 3), (5,)]]
    singles = [[stack[row].clone() for stack in stacks] for row in range(3)]

    def spread(values: Sequence[float]) -> list[torch.Tensor]:
        of_models = torch.tensor(values, dtype=torch.float64)
        return [of_models.view(-1, *(1,) * (stack.dim() - 1)) for stack in stacks]

    together = make_rule(recipes, stacks, spread)
    rules = [make_rule([one], own, lambda values: values[0]) for one, own in zip(recipes, singles, strict=True)]
    for step in range(300):
        gradients: list[torch.Tensor | None] = [torch.randn(s.shape, generator=generator).double() for s in stacks]
        if step % 7 == 3:
            gradients[1] = None
        together.step(stacks, gradients, spread([0.05, 0.01, 0.02]))
        for row, (rule, own, lr) in enumerate(zip(rules, singles, [0.05, 0.01, 0.02], strict=True)):
            rule.step(own, [None if g is None else g[row] for g in gradients], lr)
    for row, own in enumerate(singles):
        for stack, alone in zip(stacks, own, strict=True):
            torch.testing.assert_close(stack[row], alone, rtol=1e-10, atol=1e-10)


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
