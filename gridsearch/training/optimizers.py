"""Optimiser rules over lists of tensors, with the semantics and defaults of `torch.optim`.

They are written here, and not taken from `torch.optim`, because the same rules must serve stacked models whose learning
rate differs from row to row; the tests hold each against its namesake there. State is plain tensors, so a checkpoint
needs nothing but tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from gridsearch.spec.trial import Recipe

BETA_1, BETA_2, ADAM_EPS = 0.9, 0.999, 1e-8
RMSPROP_ALPHA, RMSPROP_EPS = 0.99, 1e-8

Tensors = list[Tensor]


class Rule(ABC):
    """How gradients change parameters; holds the state that goes with them, one tensor per parameter and slot."""

    def __init__(self, recipe: Recipe, parameters: Tensors, slots: Sequence[str]) -> None:
        self.recipe = recipe
        self.slots: dict[str, Tensors] = {
            slot: [torch.zeros_like(p, requires_grad=False) for p in parameters] for slot in slots
        }
        self.steps = 0

    @abstractmethod
    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        """Change the parameters in place by one step at this learning rate."""

    def state(self) -> dict[str, Tensor]:
        """Return the state as named tensors, for a checkpoint."""
        tensors = {f"{slot}.{i}": t for slot, ts in self.slots.items() for i, t in enumerate(ts)}
        return tensors | {"steps": torch.tensor(self.steps)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over a state that `state` returned."""
        for slot, tensors in self.slots.items():
            for index, tensor in enumerate(tensors):
                tensor.copy_(state[f"{slot}.{index}"])
        self.steps = int(state["steps"])

    def decayed(self, parameters: Tensors, gradients: Tensors) -> Tensors:
        """Return the gradients with the L2 penalty's gradient added."""
        if not self.recipe.weight_decay:
            return gradients
        return list(torch._foreach_add(gradients, parameters, alpha=self.recipe.weight_decay))


class SGD(Rule):
    """Stochastic gradient descent with optional (Nesterov) momentum."""

    def __init__(self, recipe: Recipe, parameters: Tensors) -> None:
        super().__init__(recipe, parameters, ["momentum"] if recipe.momentum else [])

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        """See `torch.optim.SGD`."""
        gradients = self.decayed(parameters, gradients)
        if momentum := self.recipe.momentum:
            buffers = self.slots["momentum"]
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_add_(buffers, gradients)
            gradients = (
                list(torch._foreach_add(gradients, buffers, alpha=momentum)) if self.recipe.nesterov else buffers
            )
        torch._foreach_add_(parameters, gradients, alpha=-lr)
        self.steps += 1


class Adam(Rule):
    """Adam, and with `decoupled` weight decay AdamW."""

    def __init__(self, recipe: Recipe, parameters: Tensors, *, decoupled: bool) -> None:
        super().__init__(recipe, parameters, ["mean", "square"])
        self.decoupled = decoupled

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        """See `torch.optim.Adam` and `torch.optim.AdamW`."""
        self.steps += 1
        if self.decoupled:
            torch._foreach_mul_(parameters, 1 - lr * self.recipe.weight_decay)
        else:
            gradients = self.decayed(parameters, gradients)
        means, squares = self.slots["mean"], self.slots["square"]
        torch._foreach_lerp_(means, gradients, 1 - BETA_1)
        torch._foreach_mul_(squares, BETA_2)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - BETA_2)
        scale = (1 - BETA_2**self.steps) ** 0.5
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_div_(denominators, scale)
        torch._foreach_add_(denominators, ADAM_EPS)
        torch._foreach_addcdiv_(parameters, means, denominators, value=-lr / (1 - BETA_1**self.steps))


class RMSprop(Rule):
    """RMSprop with optional momentum."""

    def __init__(self, recipe: Recipe, parameters: Tensors) -> None:
        super().__init__(recipe, parameters, ["square", "momentum"] if recipe.momentum else ["square"])

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        """See `torch.optim.RMSprop`."""
        gradients = self.decayed(parameters, gradients)
        squares = self.slots["square"]
        torch._foreach_mul_(squares, RMSPROP_ALPHA)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - RMSPROP_ALPHA)
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_add_(denominators, RMSPROP_EPS)
        if momentum := self.recipe.momentum:
            buffers = self.slots["momentum"]
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_addcdiv_(buffers, gradients, denominators)
            torch._foreach_add_(parameters, buffers, alpha=-lr)
        else:
            torch._foreach_addcdiv_(parameters, gradients, denominators, value=-lr)
        self.steps += 1


def make_rule(recipe: Recipe, parameters: Tensors) -> Rule:
    """Return the rule that a recipe names, with fresh state for these parameters."""
    match recipe.optimizer:
        case "sgd":
            return SGD(recipe, parameters)
        case "adam" | "adamw":
            return Adam(recipe, parameters, decoupled=recipe.optimizer == "adamw")
        case "rmsprop":
            return RMSprop(recipe, parameters)
