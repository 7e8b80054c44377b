"""The three global generators that a model may draw from, torch's, numpy's and Python's: seeded and kept as one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RandomStates:
    """The states of the global generators: torch's on the CPU and on each GPU in use, numpy's, Python's."""

    torch: Tensor
    cuda: list[Tensor]
    numpy: Any
    python: Any

    @classmethod
    def now(cls) -> RandomStates:
        """Return the states as they are."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        return cls(torch.get_rng_state(), cuda, np.random.get_state(legacy=False), random.getstate())

    def restore(self) -> None:
        """Put the generators back to these states."""
        torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        np.random.set_state(self.numpy)
        random.setstate(self.python)

    def same_as(self, other: RandomStates) -> bool:
        """Whether nothing was drawn between the two."""
        numbers = (
            (self.numpy["state"]["pos"], self.numpy["has_gauss"], self.numpy["gauss"], *self.numpy["state"]["key"]),
            (other.numpy["state"]["pos"], other.numpy["has_gauss"], other.numpy["gauss"], *other.numpy["state"]["key"]),
        )
        return torch.equal(self.torch, other.torch) and numbers[0] == numbers[1] and self.python == other.python


def seed_everything(seed: int) -> None:
    """Seed torch (on every device in use), numpy's global generator and Python's `random`; `seed` is below 2**64."""
    if torch.get_default_dtype() != torch.float32:
        torch.set_default_dtype(torch.float32)  # another model, or an earlier epoch of this one, may have changed it
    torch.default_generator.manual_seed(seed)
    # Not `torch.manual_seed`: without a GPU in use, it puts off its seeding with a trace of the stack, each time more.
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    random.seed(seed)


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Leave the global generators as they were, whatever is drawn or seeded within."""
    before = RandomStates.now()
    try:
        yield
    finally:
        before.restore()
