"""The contract of a form: a way to train several models of one pack as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from gridsearch.training.member import Member, State
from gridsearch.training.schedules import learning_rate
from gridsearch.training.task import Workplace


class Form(ABC):
    """M models that stand at the end of the same epoch, advanced together.

    A form copies what it needs from its members and gives it back by `states`. No model's numbers depend on another's.
    """

    #: Whether making the form is so costly that models which have ended keep their place until half have.
    costly: ClassVar[bool] = False
    #: The form that is proved in place of this one (see `verifying`), where making this one takes long.
    proved_by: ClassVar[type[Form] | None] = None

    def __init__(self, members: Sequence[Member], place: Workplace) -> None:
        self.configs = [member.config for member in members]
        self.place = place
        self.rates: list[float] = []

    @property
    def size(self) -> int:
        """Return M."""
        return len(self.configs)

    def start_epoch(self, epoch: int) -> None:
        """Take the learning rates of an epoch, the first being 1."""
        self.rates = [learning_rate(config, epoch) for config in self.configs]

    @abstractmethod
    def train_chunk(self, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
        """Make one step per batch of pixels (n, C, H, W) and labels (n,).

        Returns the logits (M, n, K) each image had before its own step.
        """

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (M, n, K) of pixels (n, C, H, W) in evaluation mode."""

    @abstractmethod
    def states(self) -> list[State]:
        """Return each model's state, named as in `Member.state`; may share memory with the form."""
