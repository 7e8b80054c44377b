"""The general strategy: any modules of equal structure as one, by `torch.func`.

The forward pass of one module is mapped over the stacked tensors of all; ordinary autograd goes back from the sum of
their losses, of which each depends on one model's tensors alone. So a parameter that no model has used has no gradient,
as alone. Random draws are made once for all models, so only models with the same seed may share a stack when they draw
at all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from gridsearch.models.seeding import random_states_kept
from gridsearch.training.distillation import captured_hidden
from gridsearch.training.loop.member import Member, State
from gridsearch.training.recipe.averaging import make_average
from gridsearch.training.recipe.losses import Parts, Targets, Terms, loss_terms, training_loss
from gridsearch.training.recipe.optimizers import Coefficient, clipped, make_rule
from gridsearch.training.strategies.base import Strategy

#: How many images all models evaluated at once are given together: each keeps activations of its own.
IMAGES_AT_ONCE = 2048

Named = dict[str, Tensor]
#: From stacked tensors, trained and others, the terms of the losses, and a batch with the parts of its targets: each
#: model's loss (M,), and the logits (M, B, K).
Losses = Callable[[Named, Named, Terms, Tensor, Parts], tuple[Tensor, Tensor]]


class Stacked(Strategy):
    """Modules of equal structure (see `structure`), their tensors stacked along a new first axis."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        models = [member.model() for member in members]
        self.template = copy.deepcopy(models[0]).to(self.device)
        parameters, buffers = stack_module_state(models)
        trainable = {name: p.requires_grad for name, p in models[0].named_parameters()}
        on_device = {name: t.detach().to(self.device) for name, t in (parameters | buffers).items()}
        self.trained: Named = {name: on_device[name].requires_grad_() for name, wanted in trainable.items() if wanted}
        self.others: Named = {name: tensor for name, tensor in on_device.items() if name not in self.trained}
        self.saved = set(models[0].state_dict())
        self.parameters = list(self.trained.values())
        self.rule = make_rule([member.config for member in members], self.parameters, self.spread)
        self.rule.restore(*(member.state() for member in members))
        for slot, tensors in self.rule.slots.items():
            for index, stack in enumerate(tensors):
                for row, member in zip(stack, members, strict=True):
                    if (name := f"optimizer.{slot}.{index}") in member.state():
                        row.copy_(member.state()[name])
        self.average = make_average(self.configs, self.parameters, self.spread)
        for name, stack in zip(self.trained, self.average.values if self.average else (), strict=False):
            for row, member in zip(stack, members, strict=True):
                if (known := member.state().get(f"ema.{name}")) is not None:
                    row.copy_(known)

        self.terms = loss_terms(self.configs, self.device, [member.class_weights for member in members])
        self.hidden: list[Tensor] = []
        limits = [config.clip_norm for config in self.configs]
        self.limits = torch.tensor(limits, dtype=torch.float64, device=self.device) if any(limits) else None
        dims = (0, 0, 0, None, None)
        self.losses: Losses = vmap(self._loss, in_dims=dims, randomness="same")

    def spread(self, values: Sequence[float]) -> Coefficient:
        """Return one value for each model as tensors that broadcast over the stacked parameters."""
        of_models = torch.tensor(values, dtype=torch.float64)
        return [of_models.view(-1, *(1,) * (p.dim() - 1)).to(p.device, p.dtype) for p in self.parameters]

    def set_rates(self, rates: list[float]) -> None:
        """See `Strategy`."""
        super().set_rates(rates)
        self.lr = self.spread(rates)

    def train_chunk(self, images: Tensor, targets: Targets, sizes: Sequence[int]) -> Tensor:
        """See `Strategy`."""
        self.template.train()
        with captured_hidden(self.template, wanted=targets.teacher_hidden is not None) as self.hidden:
            return self._train(images, targets, sizes)

    def _train(self, images: Tensor, targets: Targets, sizes: Sequence[int]) -> Tensor:
        outputs = []
        batches = zip(torch.split(images, list(sizes)), targets.split(sizes), self.places(sizes), strict=True)
        for batch, wanted, place in batches:
            of_batch, logits = self.gradients(batch, wanted.parts)
            outputs.append(logits)
            gradients = self.gathered(of_batch, place)
            if gradients is None:
                continue
            if self.limits is not None:
                gradients = clipped(gradients, self.limits)
            self.rule.step(self.parameters, gradients, self.lr)
            self.stepped()
        return torch.cat(outputs, dim=1)

    def gradients(self, images: Tensor, parts: Parts) -> tuple[Sequence[Tensor | None], Tensor]:
        """Return the gradients of all models' losses, None for what takes no part, and the logits (M, B, K)."""
        losses, logits = self.losses(self.trained, self.others, self.terms, images, parts)
        return torch.autograd.grad(losses.sum(), self.parameters, allow_unused=True), logits.detach()

    def _loss(self, trained: Named, others: Named, terms: Terms, images: Tensor, parts: Parts) -> tuple[Tensor, Tensor]:
        logits = self._forward(trained | others, images)
        hidden = self.hidden[-1] if self.hidden else None
        self.hidden.clear()
        return training_loss(logits, hidden, Targets(*parts), terms, self.criterion), logits

    def _forward(self, tensors: Named, images: Tensor) -> Tensor:
        with self.forward_context():
            logits: Tensor = functional_call(self.template, tensors, (images,))
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """See `Strategy`; as many models at once as memory is meant for, each time with the same draws."""
        self.template.eval()
        forward = vmap(self._forward, in_dims=(0, None), randomness="same")
        tensors = self.trained | self.others
        at_once = max(1, IMAGES_AT_ONCE // len(images))
        outputs = []
        for first in range(0, self.size, at_once):
            some = {name: stack[first : first + at_once] for name, stack in tensors.items()}
            if first + at_once < self.size:
                with random_states_kept():
                    outputs.append(forward(some, images))
            else:
                outputs.append(forward(some, images))
        return torch.cat(outputs)

    def states(self) -> list[State]:
        """See `Strategy`."""
        stacks = {f"model.{k}": v.detach() for k, v in (self.trained | self.others).items() if k in self.saved}
        if self.average:
            stacks |= {f"ema.{name}": stack for name, stack in zip(self.trained, self.average.values, strict=True)}
        return [
            {name: stack[row] for name, stack in stacks.items()}
            | {
                f"optimizer.{slot}.{index}": tensor[row]
                for slot in self.own_slots(row)
                for index, tensor in enumerate(self.rule.slots[slot])
            }
            | self.rule.counts()
            for row in range(self.size)
        ]
