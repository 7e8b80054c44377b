"""Optimiser rules over lists of tensors, with the semantics and defaults of `torch.optim`.

They are written here, and not taken from `torch.optim`, because the same rules must serve stacked models, in which the
learning rate, the momentum and the weight decay differ from model to model; the tests hold each against its namesake
there. State is plain tensors, so a checkpoint needs nothing but tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import ismethod
from typing import TypeVar
from weakref import WeakMethod

import torch
from torch import Tensor

from gridsearch.config.trial import Recipe
from gridsearch.errors import ModelError

CLIP_EPS = 1e-6

_T = TypeVar("_T")
Tensors = list[Tensor]
#: A number for all parameters, or for each parameter a tensor that broadcasts over it (one value per stacked model).
Coefficient = float | Tensors
#: From one number per model to a coefficient of the parameters.
Spread = Callable[[Sequence[float]], Coefficient]


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
        """Return the kind of rule that serves all of these recipes: a part that is 0 changes nothing.

        Args:
            recipes: They have one optimiser, and Nesterov's momentum all or none of them.
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


@dataclass(frozen=True)
class Update:
    """What takes part in a step: the parameters that have a gradient, and what belongs to each, in one order.

    Attributes:
        parameters: The parameters; complex ones as pairs of real numbers.
        gradients: Their gradients.
        slots: Their state, by slot.
        counts: How many steps each parameter has made, this one included.
        places: The place of each among the parameters of the rule.
        lr: The learning rate.
        momentum: The momentum.
        weight_decay: The weight decay.
    """

    parameters: Tensors
    gradients: Tensors
    slots: dict[str, Tensors]
    counts: list[int]
    places: list[int]
    lr: Coefficient
    momentum: Coefficient
    weight_decay: Coefficient


class Rule(ABC):
    """How gradients change parameters; holds the state, one tensor per parameter and slot.

    A parameter without a gradient is left alone, as in `torch.optim` (https://docs.pytorch.org/docs/stable/optim.html):
    no decay, no momentum, no count. Of `steps` made, parameter i has missed `missed[i]`.
    """

    def __init__(self, recipes: Sequence[Recipe], parameters: Tensors, spread: Spread) -> None:
        self.kind = RuleKind.of(*recipes)
        # Who spreads has this rule: held fast, neither would ever be gone from a full memory.
        self._spread: Callable[[], Spread | None] = WeakMethod(spread) if ismethod(spread) else lambda: spread
        self.momentum = spread([recipe.momentum for recipe in recipes])
        self.weight_decay = spread([recipe.weight_decay for recipe in recipes])
        self.l1 = spread([recipe.l1 for recipe in recipes])
        self.eps = self.common([recipe.eps for recipe in recipes])
        self.slots: dict[str, Tensors] = {
            slot: [torch.zeros_like(as_real(p), requires_grad=False) for p in parameters] for slot in self.kind.slots
        }
        self.steps = 0
        self.missed = [0] * len(parameters)

    @torch.no_grad()
    def step(self, parameters: Tensors, gradients: Sequence[Tensor | None], lr: Coefficient) -> None:
        """Change the parameters in place by one step.

        Args:
            parameters: The parameters, in the order in which the rule was made.
            gradients: Their gradients; a parameter with None stays as it is. The L1 penalty is part of the loss, so
                with it every parameter has one.
            lr: The learning rate.
        """
        self.steps += 1
        if self.kind.l1:
            gradients = self._with_l1(parameters, gradients)
        places = [index for index, gradient in enumerate(gradients) if gradient is not None]
        whole = len(places) == len(parameters)
        if not whole:
            for index in set(range(len(parameters))).difference(places):
                self.missed[index] += 1

        def chosen(values: list[_T]) -> list[_T]:
            return values if whole else [values[index] for index in places]

        def of_chosen(value: Coefficient) -> Coefficient:
            return value if isinstance(value, float) else chosen(value)

        update = Update(
            [as_real(parameter) for parameter in chosen(parameters)],
            [as_real(gradient) for gradient in gradients if gradient is not None],
            {slot: chosen(tensors) for slot, tensors in self.slots.items()},
            [self.steps - missed for missed in chosen(self.missed)],
            places,
            of_chosen(lr),
            of_chosen(self.momentum),
            of_chosen(self.weight_decay),
        )
        if places:
            self.apply(update)

    def counts(self) -> dict[str, Tensor]:
        """Return as a part of a model's state how many steps were made, and if any were missed, by which parameters."""
        counts = {"optimizer.steps": torch.tensor(self.steps)}
        return counts | ({"optimizer.missed": torch.tensor(self.missed)} if any(self.missed) else {})

    def restore(self, *states: Mapping[str, Tensor]) -> None:
        """Go on from what `counts` gave for one model, or for several that have made the same steps."""
        of_models = [
            (int(state["optimizer.steps"]), state["optimizer.missed"].tolist() if "optimizer.missed" in state else None)
            for state in states
        ]
        if any(counts != of_models[0] for counts in of_models):
            raise ModelError("models whose parameters have missed different steps are not trained as one")
        self.steps, missed = of_models[0]
        self.missed = missed or [0] * len(self.missed)

    def common(self, values: Sequence[float]) -> Coefficient:
        """Return the coefficient of numbers, one per model, as one number where they are equal."""
        spread = self._spread()
        assert spread
        return values[0] if len(set(values)) == 1 else spread(values)

    @abstractmethod
    def apply(self, update: Update) -> None:
        """Change parameters and slots in place."""

    def decayed(self, update: Update) -> Tensors:
        """Return the gradients with those of the L2 penalty added, unless it is decoupled."""
        if not self.kind.weight_decay or self.kind.optimizer == "adamw":
            return update.gradients
        return list(torch._foreach_add(update.gradients, torch._foreach_mul(update.parameters, update.weight_decay)))

    def _with_l1(self, parameters: Tensors, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        missing = any(gradient is None for gradient in gradients)
        if missing and not isinstance(self.l1, float) and not all(bool((factors > 0).all()) for factors in self.l1):
            raise ModelError(
                "a parameter without a gradient has one in those models of a stack that have an L1 penalty"
            )
        signs = [torch.sgn(parameter) for parameter in parameters]
        penalties = torch._foreach_mul(signs, self.l1)
        return [
            penalty if gradient is None else gradient + penalty
            for gradient, penalty in zip(gradients, penalties, strict=True)
        ]


def accelerated(update: Update, changes: Tensors) -> Tensors:
    """Return the momentum buffers after adding these changes."""
    buffers = update.slots["momentum"]
    torch._foreach_mul_(buffers, update.momentum)
    torch._foreach_add_(buffers, changes)
    return buffers


class SGD(Rule):
    """Stochastic gradient descent with optional (Nesterov) momentum; see `torch.optim.SGD`."""

    def apply(self, update: Update) -> None:
        """See `Rule`."""
        gradients = self.decayed(update)
        if self.kind.momentum:
            buffers = accelerated(update, gradients)
            if self.kind.nesterov:
                gradients = list(torch._foreach_add(gradients, torch._foreach_mul(buffers, update.momentum)))
            else:
                gradients = buffers
        descend(update.parameters, gradients, update.lr)


class Adam(Rule):
    """Adam, and AdamW, whose weight decay is decoupled; see `torch.optim.Adam` and `torch.optim.AdamW`."""

    def __init__(self, recipes: Sequence[Recipe], parameters: Tensors, spread: Spread) -> None:
        super().__init__(recipes, parameters, spread)
        self.betas = [[recipe.betas[which] for recipe in recipes] for which in (0, 1)]
        self.of_mean = _Decay(*(self.common(values) for values in _shares(self.betas[0])))
        self.of_square = _Decay(*(self.common(values) for values in _shares(self.betas[1])))

    def apply(self, update: Update) -> None:
        """See `Rule`."""
        parameters, gradients = update.parameters, self.decayed(update)
        if self.kind.optimizer == "adamw" and self.kind.weight_decay:
            descend(parameters, list(torch._foreach_mul(parameters, update.weight_decay)), update.lr)
        means, squares = update.slots["mean"], update.slots["square"]
        torch._foreach_lerp_(means, gradients, self.of_mean.at(update.places).new)
        self.of_square.at(update.places).take_squares(squares, gradients)
        denominators = list(torch._foreach_sqrt(squares))
        torch._foreach_div_(denominators, self._corrections(update, self.betas[1], 0.5))
        torch._foreach_add_(denominators, _at(self.eps, update.places))
        changes = list(torch._foreach_div(means, denominators))
        torch._foreach_div_(changes, self._corrections(update, self.betas[0], 1.0))
        descend(parameters, changes, update.lr)

    def _corrections(self, update: Update, betas: Sequence[float], power: float) -> list[float] | Tensors:
        """Return for each parameter what makes up for running means that began with 0."""
        of_counts = {count: self.common([(1 - beta**count) ** power for beta in betas]) for count in set(update.counts)}
        found = [
            value if isinstance(value := of_counts[count], float) else value[place]
            for count, place in zip(update.counts, update.places, strict=True)
        ]
        if all(isinstance(value, Tensor) for value in found):
            return [value for value in found if isinstance(value, Tensor)]
        if all(isinstance(value, float) for value in found):
            return [value for value in found if isinstance(value, float)]
        # Powers of different betas may be equal, once they are too small to count.
        return [value if isinstance(value, Tensor) else torch.tensor(value) for value in found]


class RMSprop(Rule):
    """RMSprop with optional momentum; see `torch.optim.RMSprop`."""

    def __init__(self, recipes: Sequence[Recipe], parameters: Tensors, spread: Spread) -> None:
        super().__init__(recipes, parameters, spread)
        self.of_square = _Decay(*(self.common(values) for values in _shares([one.alpha for one in recipes])))

    def apply(self, update: Update) -> None:
        """See `Rule`."""
        gradients = self.decayed(update)
        squares = update.slots["square"]
        self.of_square.at(update.places).take_squares(squares, gradients)
        denominators = list(torch._foreach_sqrt(squares))
        torch._foreach_add_(denominators, _at(self.eps, update.places))
        changes = list(torch._foreach_div(gradients, denominators))
        descend(update.parameters, accelerated(update, changes) if self.kind.momentum else changes, update.lr)


@dataclass(frozen=True)
class _Decay:
    """What a running mean keeps of its old value, and what it takes of the new one."""

    old: Coefficient
    new: Coefficient

    def at(self, places: list[int]) -> _Decay:
        """Return the same for the parameters in some places."""
        return _Decay(_at(self.old, places), _at(self.new, places))

    def take_squares(self, squares: Tensors, gradients: Tensors) -> None:
        """Change running means of squares in place."""
        torch._foreach_mul_(squares, self.old)
        if isinstance(self.new, float):
            torch._foreach_addcmul_(squares, gradients, gradients, value=self.new)
        else:
            torch._foreach_addcmul_(squares, torch._foreach_mul(gradients, self.new), gradients)


def _shares(values: Sequence[float]) -> tuple[list[float], list[float]]:
    return list(values), [1 - value for value in values]


def _at(value: Coefficient, places: list[int]) -> Coefficient:
    return value if isinstance(value, float) else [value[place] for place in places]


def as_real(tensor: Tensor) -> Tensor:
    """Return a tensor of complex numbers as a view of pairs of real ones, as `torch.optim` does; others as they are."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def descend(parameters: Tensors, changes: Tensors, lr: Coefficient) -> None:
    """Subtract the changes times the learning rate from the parameters, in place."""
    if isinstance(lr, float):
        torch._foreach_add_(parameters, changes, alpha=-lr)
    else:
        torch._foreach_addcmul_(parameters, changes, lr, value=-1)


def clipped(gradients: Sequence[Tensor | None], limit: float | Tensor) -> list[Tensor | None]:
    """Return gradients scaled down to a norm over all of them, as `torch.nn.utils.clip_grad_norm_` does.

    Args:
        gradients: One per parameter, or None. With limits (M,) they are stacked, (M, ...).
        limit: The largest norm; with limits (M,) each model's gradients have a norm of their own, and 0 is no limit.
    """
    present = [gradient for gradient in gradients if gradient is not None]
    if not present:
        return list(gradients)
    if not isinstance(limit, Tensor):
        norm = torch.nn.utils.get_total_norm(present)
        scaled = list(torch._foreach_mul(present, (limit / (norm + CLIP_EPS)).clamp(max=1.0)))
    else:
        norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in present])
        factors = (limit / (torch.linalg.vector_norm(norms, dim=0) + CLIP_EPS)).clamp(max=1.0)
        factors = torch.where(limit > 0, factors, 1.0)
        scaled = [g * factors.to(g.dtype).view(-1, *(1,) * (g.dim() - 1)) for g in present]
    left = iter(scaled)
    return [None if gradient is None else next(left) for gradient in gradients]


RULES: dict[str, type[Rule]] = {"sgd": SGD, "adam": Adam, "adamw": Adam, "rmsprop": RMSprop}


def make_rule(recipes: Sequence[Recipe], parameters: Tensors, spread: Spread) -> Rule:
    """Return the rule that serves these recipes together, with fresh state.

    Args:
        recipes: One per model.
        parameters: The parameters that it is to change.
        spread: Turns one number per recipe into a coefficient of the parameters.
    """
    return RULES[recipes[0].optimizer](recipes, parameters, spread)
