"""Optimiser rules over lists of tensors, with the semantics and defaults of `torch.optim`.

They are written here, and not taken from `torch.optim`, because the same rules must serve stacked models, in which the
learning rate, the momentum and the weight decay differ from model to model; the tests hold each against its namesake
there. State is plain tensors, so a checkpoint needs nothing but tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gridsearch.spec.trial import Recipe

BETA_1, BETA_2, ADAM_EPS = 0.9, 0.999, 1e-8
RMSPROP_ALPHA, RMSPROP_EPS = 0.99, 1e-8
CLIP_EPS = 1e-6

Tensors = list[Tensor]
#: A number for all parameters, or for each parameter a tensor that broadcasts over it (one value per stacked model).
Coefficient = float | Tensors


@dataclass(frozen=True)
class RuleKind:
    """What decides which code runs and which state is kept."""

    optimizer: str
    momentum: bool = False
    nesterov: bool = False
    weight_decay: bool = False
    l1: bool = False

    @classmethod
    def of(cls, *recipes: Recipe) -> RuleKind:
        """Return the kind of rule that does for each recipe what it asks for: a part whose number is 0 changes nothing.

        The recipes have one optimiser, and Nesterov's momentum all or none of them.
        """
        return cls(
            recipes[0].optimizer,
            any(recipe.momentum > 0 for recipe in recipes),
            recipes[0].nesterov,
            any(recipe.weight_decay > 0 for recipe in recipes),
            any(recipe.l1 > 0 for recipe in recipes),
        )

    @property
    def plain(self) -> bool:
        """Whether it is gradient descent with nothing added to it."""
        return self == RuleKind("sgd")

    @property
    def slots(self) -> tuple[str, ...]:
        """Return the names of the state kept for every parameter."""
        if self.optimizer in ("adam", "adamw"):
            return ("mean", "square")
        momentum = ("momentum",) if self.momentum else ()
        return ("square", *momentum) if self.optimizer == "rmsprop" else momentum


class Rule(ABC):
    """How gradients change parameters; holds the state that goes with them, one tensor per parameter and slot."""

    def __init__(
        self,
        kind: RuleKind,
        parameters: Tensors,
        *,
        momentum: Coefficient = 0.0,
        weight_decay: Coefficient = 0.0,
        l1: Coefficient = 0.0,
    ) -> None:
        self.kind, self.momentum, self.weight_decay, self.l1 = kind, momentum, weight_decay, l1
        self.slots: dict[str, Tensors] = {
            slot: [torch.zeros_like(p, requires_grad=False) for p in parameters] for slot in kind.slots
        }
        self.steps = 0

    @abstractmethod
    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: Coefficient) -> None:
        """Change the parameters in place by one step at this learning rate."""

    def penalised(self, parameters: Tensors, gradients: Tensors) -> Tensors:
        """Return the gradients with those of the L1 penalty, and of the L2 penalty unless it is decoupled, added."""
        if self.kind.l1:
            signs = torch._foreach_sign(parameters)
            gradients = list(torch._foreach_add(gradients, torch._foreach_mul(signs, self.l1)))
        if self.kind.weight_decay and self.kind.optimizer != "adamw":
            gradients = list(torch._foreach_add(gradients, torch._foreach_mul(parameters, self.weight_decay)))
        return gradients

    def accelerated(self, changes: Tensors) -> Tensors:
        """Return the momentum buffers after adding these changes."""
        buffers = self.slots["momentum"]
        torch._foreach_mul_(buffers, self.momentum)
        torch._foreach_add_(buffers, changes)
        return buffers


class SGD(Rule):
    """Stochastic gradient descent with optional (Nesterov) momentum."""

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: Coefficient) -> None:
        """See `torch.optim.SGD`."""
        gradients = self.penalised(parameters, gradients)
        if self.kind.momentum:
            buffers = self.accelerated(gradients)
            ahead = self.kind.nesterov
            gradients = (
                list(torch._foreach_add(gradients, torch._foreach_mul(buffers, self.momentum))) if ahead else buffers
            )
        descend(parameters, gradients, lr)
        self.steps += 1


class Adam(Rule):
    """Adam, and AdamW, whose weight decay is decoupled."""

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: Coefficient) -> None:
        """See `torch.optim.Adam` and `torch.optim.AdamW`."""
        self.steps += 1
        gradients = self.penalised(parameters, gradients)
        if self.kind.optimizer == "adamw" and self.kind.weight_decay:
            descend(parameters, list(torch._foreach_mul(parameters, self.weight_decay)), lr)
        means, squares = self.slots["mean"], self.slots["square"]
        torch._foreach_lerp_(means, gradients, 1 - BETA_1)
        torch._foreach_mul_(squares, BETA_2)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - BETA_2)
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_div_(denominators, (1 - BETA_2**self.steps) ** 0.5)
        torch._foreach_add_(denominators, ADAM_EPS)
        changes = torch._foreach_div(means, denominators)
        torch._foreach_div_(changes, 1 - BETA_1**self.steps)
        descend(parameters, list(changes), lr)


class RMSprop(Rule):
    """RMSprop with optional momentum."""

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Tensors, lr: Coefficient) -> None:
        """See `torch.optim.RMSprop`."""
        gradients = self.penalised(parameters, gradients)
        squares = self.slots["square"]
        torch._foreach_mul_(squares, RMSPROP_ALPHA)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - RMSPROP_ALPHA)
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_add_(denominators, RMSPROP_EPS)
        changes = list(torch._foreach_div(gradients, denominators))
        descend(parameters, self.accelerated(changes) if self.kind.momentum else changes, lr)
        self.steps += 1


def descend(parameters: Tensors, changes: Tensors, lr: Coefficient) -> None:
    """Subtract the changes times the learning rate from the parameters, in place."""
    if isinstance(lr, float):
        torch._foreach_add_(parameters, changes, alpha=-lr)
    else:
        torch._foreach_addcmul_(parameters, changes, lr, value=-1)


def clipped(gradients: Tensors, limit: float | Tensor) -> Tensors:
    """Return gradients scaled down to a norm over all of them, as `torch.nn.utils.clip_grad_norm_`.

    With limits (M,), 0 being none, the gradients are stacked (M, ...) and each model's are scaled by themselves.
    """
    if not isinstance(limit, Tensor):
        norm = torch.nn.utils.get_total_norm(gradients)
        return list(torch._foreach_mul(gradients, (limit / (norm + CLIP_EPS)).clamp(max=1.0)))
    norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients])
    factors = (limit / (torch.linalg.vector_norm(norms, dim=0) + CLIP_EPS)).clamp(max=1.0)
    factors = torch.where(limit > 0, factors, 1.0)
    return [gradient * factors.to(gradient.dtype).view(-1, *(1,) * (gradient.dim() - 1)) for gradient in gradients]


RULES: dict[str, type[Rule]] = {"sgd": SGD, "adam": Adam, "adamw": Adam, "rmsprop": RMSprop}


def make_rule(recipes: Sequence[Recipe], parameters: Tensors, spread: Callable[[Sequence[float]], Coefficient]) -> Rule:
    """Return the rule that serves these recipes together, with fresh state for these parameters.

    `spread` turns one number for each recipe into a coefficient of the parameters.
    """
    kind = RuleKind.of(*recipes)
    return RULES[kind.optimizer](
        kind,
        parameters,
        momentum=spread([recipe.momentum for recipe in recipes]),
        weight_decay=spread([recipe.weight_decay for recipe in recipes]),
        l1=spread([recipe.l1 for recipe in recipes]),
    )
