"""The contract of a strategy: a way to train several models of one pack as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

import torch
from torch import Tensor

from gridsearch.config.batches import PlaceInStep, places_in_steps
from gridsearch.models.seeding import random_states_kept
from gridsearch.training.loop.member import Member, State
from gridsearch.training.outputs import check_logits
from gridsearch.training.recipe.averaging import Average
from gridsearch.training.recipe.class_weights import stacked_weights
from gridsearch.training.recipe.losses import Targets
from gridsearch.training.recipe.optimizers import Rule, RuleKind, Tensors

#: The learning rates of an epoch for each model: one for each of its steps, or one for all.
Rates = Sequence[Sequence[float]]


class Strategy(ABC):
    """M models at the end of the same epoch, advanced together.

    A strategy copies what it needs from its members and returns it by `states`. No model's numbers depend on another's.
    """

    #: Whether making the strategy is so costly that models which have ended keep their place until half have.
    costly: ClassVar[bool] = False
    #: The strategy that is proved in place of this one (see `stacking/parity.py`), where making this one takes long.
    proved_by: ClassVar[type[Strategy] | None] = None
    #: The name of the strategy that trains those members which the proof of this one refuses; None: each alone.
    instead: ClassVar[str | None] = None
    #: How many steps with whole batches the proof makes.
    proof_steps: ClassVar[int] = 2

    #: What is trained, what changes it, and its average where that is asked for.
    parameters: Tensors
    rule: Rule
    average: Average | None

    def __init__(self, members: Sequence[Member]) -> None:
        self.configs = [member.config for member in members]
        self.device, self.num_classes = members[0].device, members[0].num_classes
        self.criterion = members[0].criterion()
        self.meter = members[0].meter()
        weights = stacked_weights([member.class_weights for member in members])
        self.class_weights = None if weights is None else weights.to(self.device)
        self.rates: list[float] = []
        self._of_steps: Rates = []
        self._steps_made = 0
        self._by_step = False
        #: How many batches make a step, the places of an epoch's batches that are left, and gradients gathered so far.
        self.accumulate = self.configs[0].accumulate
        self._places: list[PlaceInStep] = []
        self._gathered: list[Tensor | None] = []

    @property
    def size(self) -> int:
        """Return M."""
        return len(self.configs)

    def start_epoch(self, rates: Rates) -> None:
        """Set the learning rates of an epoch.

        Args:
            rates: For each of the M models one rate per step, or a single one for the whole epoch.
        """
        self._of_steps, self._steps_made = rates, 0
        self._by_step = any(len(of_model) > 1 for of_model in rates)
        self.set_rates([of_model[0] for of_model in rates])

    def next_step(self) -> None:
        """Set the learning rates of the next step; called before each."""
        if self._by_step and self._steps_made:
            self.set_rates([of_model[min(self._steps_made, len(of_model) - 1)] for of_model in self._of_steps])
        self._steps_made += 1

    def begin_batches(self, sizes: Sequence[int]) -> None:
        """Tell the sizes of all batches of an epoch, so that those of a step may be in several chunks.

        Without that the batches of a chunk are an epoch's.
        """
        self._places, self._gathered = places_in_steps(sizes, self.accumulate)[::-1], []

    def places(self, sizes: Sequence[int]) -> Iterator[PlaceInStep]:
        """Yield the places of a chunk's batches among those of their steps; sets the rates of each step before it."""
        if not self._places:
            self.begin_batches(sizes)
        for _ in sizes:
            place = self._places.pop()
            if place.first:
                self.next_step()
            yield place

    def gathered(self, gradients: Sequence[Tensor | None], place: PlaceInStep) -> Sequence[Tensor | None] | None:
        """Return the gradients of a step, of the mean loss over its batches' images, once its last batch is there."""
        if place.first and place.last:
            return gradients
        parts = [None if gradient is None else gradient * place.share for gradient in gradients]
        if place.first:
            self._gathered = parts
        else:
            self._gathered = [_sum(one, other) for one, other in zip(self._gathered, parts, strict=True)]
        return self._gathered if place.last else None

    def stepped(self) -> None:
        """Have the average take in what a step made of the parameters."""
        if self.average:
            self.average.follow(self.parameters, self.rule.steps)

    def averaged(self) -> AbstractContextManager[object]:
        """Return a context in which the models' weights are those that are evaluated: their averages, if any."""
        return self.average.in_place_of(self.parameters) if self.average else nullcontext()

    def set_rates(self, rates: list[float]) -> None:
        """Set the learning rates of the steps to come, one for each of the M models."""
        self.rates = rates

    def own_slots(self, row: int) -> tuple[str, ...]:
        """Return the names of the optimiser state that a model has when it is trained alone.

        The common rule of a stack may keep more, for other models in it.

        Args:
            row: The model's place, from 0 to M - 1.
        """
        return RuleKind.of(self.configs[row]).slots

    def forward_context(self) -> AbstractContextManager[object]:
        """Return the context of a forward pass."""
        return forward_context(self.configs[0].precision, self.device)

    @torch.no_grad()
    def check(self, images: Tensor) -> None:
        """Raise `ModelError` unless the models give logits for a few images (n, C, H, W); no draw is used up."""
        with random_states_kept():
            check_logits(self.logits(images)[0], len(images), self.num_classes)

    @abstractmethod
    def train_chunk(self, images: Tensor, targets: Targets, sizes: Sequence[int]) -> Tensor:
        """Make one training step per batch.

        Args:
            images: (n, C, H, W), normalised, the batches one after another.
            targets: The labels (n,) and, with a teacher, its outputs.
            sizes: The sizes of the batches; they add up to n.

        Returns:
            Logits (M, n, K): of each image before its own batch's step.
        """

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits in evaluation mode.

        Args:
            images: (n, C, H, W), normalised.

        Returns:
            Logits (M, n, K).
        """

    @abstractmethod
    def states(self) -> list[State]:
        """Return the state of each model, named as in `Member.state`; it may share memory with the strategy."""


def forward_context(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context of a forward pass: with mixed precision, float32 products are computed in bfloat16.

    See https://docs.pytorch.org/docs/stable/amp.html.
    """
    return nullcontext() if precision != "mixed" else torch.autocast(device.type, torch.bfloat16)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
