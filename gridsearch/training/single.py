"""The form of one model: an ordinary module, ordinary autograd. Every other form is held against it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gridsearch.training.form import Form
from gridsearch.training.member import Member, State
from gridsearch.training.optimizers import make_rule
from gridsearch.training.outputs import check_logits, checked_logits
from gridsearch.training.task import Workplace


class Single(Form):
    """One model by itself: the member's own module, with whatever hooks its author put on it."""

    def __init__(self, members: Sequence[Member], place: Workplace) -> None:
        super().__init__(members, place)
        (member,) = members
        self.model = member.model().to(place.device)
        self.parameters: list[Tensor] = [p for p in self.model.parameters() if p.requires_grad]
        self.rule = make_rule([member.config], self.parameters, lambda values: values[0])
        self.rule.steps = member.steps
        state = member.state()
        for slot, tensors in self.rule.slots.items():
            for index, tensor in enumerate(tensors):
                if (name := f"optimizer.{slot}.{index}") in state:
                    tensor.copy_(state[name])

    def train_chunk(self, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
        """See `Form`."""
        self.model.train()
        outputs = []
        for batch, targets in zip(torch.split(images, batch_size), torch.split(labels, batch_size), strict=True):
            logits = self.model(batch)
            loss = functional.cross_entropy(logits, targets)
            gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
            self.rule.step(self.parameters, list(gradients), self.rates[0])
            outputs.append(logits.detach())
        return torch.cat(outputs)[None]

    @torch.no_grad()
    def start_epoch(self, epoch: int) -> None:
        """See `Form`; before the first step also checks what the model does with two images."""
        super().start_epoch(epoch)
        if self.rule.steps == 0:
            images, _ = next(self.place.train.in_order(2))
            checked_logits(self.model.eval(), images, self.place.num_classes)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """See `Form`."""
        self.model.eval()
        logits: Tensor = self.model(images)
        check_logits(logits, len(images), self.place.num_classes)
        return logits[None]

    def states(self) -> list[State]:
        """See `Form`."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for slot, tensors in self.rule.slots.items():
            state |= {f"optimizer.{slot}.{index}": tensor for index, tensor in enumerate(tensors)}
        return [state | {"optimizer.steps": torch.tensor(self.rule.steps)}]
