"""The strategy of one model: an ordinary module, ordinary autograd. Every other strategy is held against it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gridsearch.config.batches import PlaceInStep
from gridsearch.errors import ModelError
from gridsearch.models.modes import in_mode
from gridsearch.models.seeding import random_states_kept
from gridsearch.training.distillation import captured_hidden
from gridsearch.training.loop.member import Member, State
from gridsearch.training.outputs import check_logits, checked_logits
from gridsearch.training.recipe.averaging import make_average
from gridsearch.training.recipe.losses import Targets, loss_terms, training_loss
from gridsearch.training.recipe.optimizers import clipped, make_rule
from gridsearch.training.strategies.base import Strategy


class Single(Strategy):
    """One model by itself: the member's own module, with whatever hooks its author put on it."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        (member,) = members
        self.model = member.model().to(self.device)
        self.parameters: list[Tensor] = [p for p in self.model.parameters() if p.requires_grad]
        self.frozen = {name: p for name, p in self.model.named_parameters() if not p.requires_grad}
        self.rule = make_rule([member.config], self.parameters, lambda values: values[0])
        terms = loss_terms(self.configs, self.device, [member.class_weights])
        self.terms = {name: term[0] for name, term in terms.items()}
        state = member.state()
        for slot, tensors in self.rule.slots.items():
            for index, tensor in enumerate(tensors):
                if (name := f"optimizer.{slot}.{index}") in state:
                    tensor.copy_(state[name])
        self.rule.restore(state)
        self.average = make_average(self.configs, self.parameters, lambda values: values[0])
        self.averages = _names_of(self.model, self.parameters) if self.average else {}
        if self.average:
            for name, index in self.averages.items():
                if (known := state.get(f"ema.{name}")) is not None:
                    self.average.values[index].copy_(known)

    def train_chunk(self, images: Tensor, targets: Targets, sizes: Sequence[int]) -> Tensor:
        """See `Strategy`."""
        self.model.train()
        with captured_hidden(self.model, wanted=targets.teacher_hidden is not None) as hidden:
            return self._train(images, targets, sizes, hidden)

    def _train(self, images: Tensor, targets: Targets, sizes: Sequence[int], hidden: list[Tensor]) -> Tensor:
        outputs = []
        batches = zip(torch.split(images, list(sizes)), targets.split(sizes), self.places(sizes), strict=True)
        for batch, wanted, place in batches:
            logits = self._forward(batch)
            loss = training_loss(logits, hidden[-1] if hidden else None, wanted, self.terms, self.criterion)
            hidden.clear()
            self._step(loss if place.share == 1 else loss * place.share, place)
            outputs.append(logits.detach())
        return torch.cat(outputs)[None]

    def _step(self, loss: Tensor, place: PlaceInStep) -> None:
        """Make a step, as `loss.backward()` and an optimiser's step do, hooks of all kinds included.

        Of several batches of a step each adds to the gradients, and the last one steps.
        """
        if place.first:
            for parameter in self.parameters:
                parameter.grad = None
        if not loss.requires_grad:
            raise ModelError("nothing of the model is trained: no parameter takes part in the loss with a gradient")
        loss.backward()  # type: ignore[no-untyped-call]
        for name, parameter in self.frozen.items():
            if parameter.grad is not None:
                raise ModelError(
                    f"parameter {name!r} is frozen when the model is made and has a gradient later; leave it trainable"
                    " and run it under torch.no_grad() for as long as it is to stay as it is"
                )
        if not place.last:
            return
        gradients = [parameter.grad for parameter in self.parameters]
        if limit := self.configs[0].clip_norm:
            gradients = clipped(gradients, limit)
        self.rule.step(self.parameters, gradients, self.rates[0])
        self.stepped()

    def _forward(self, images: Tensor) -> Tensor:
        with self.forward_context():
            logits: Tensor = self.model(images)
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    @torch.no_grad()
    def check(self, images: Tensor) -> None:
        """See `Strategy`; the model must leave the images as they are, too."""
        with random_states_kept():
            checked_logits(in_mode(self.model, training=False), images, self.num_classes)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """See `Strategy`."""
        self.model.eval()
        logits = self._forward(images)
        check_logits(logits, len(images), self.num_classes)
        return logits[None]

    def states(self) -> list[State]:
        """See `Strategy`."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for slot, tensors in self.rule.slots.items():
            state |= {f"optimizer.{slot}.{index}": tensor for index, tensor in enumerate(tensors)}
        if self.average:
            state |= {f"ema.{name}": self.average.values[index] for name, index in self.averages.items()}
        return [state | self.rule.counts()]


def _names_of(model: nn.Module, parameters: Sequence[Tensor]) -> dict[str, int]:
    """Return the places of parameters by their names in the state dict, of which one that is tied has several."""
    places = {id(parameter): index for index, parameter in enumerate(parameters)}
    found = {name: places[id(t)] for name, t in model.state_dict(keep_vars=True).items() if id(t) in places}
    if len(set(found.values())) < len(parameters):
        raise ModelError("ema: the model's own state dict lacks parameters that are trained, so no average can be kept")
    return found
