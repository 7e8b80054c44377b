"""Made-up examples that a model is run on to see what it does: of the shape and the type of those of a data set."""

from __future__ import annotations

import torch
from torch import Tensor

#: The lowest and the highest of a data set's whole numbers, which models get as int64; None where it has floats.
Whole = tuple[int, int] | None


def made_up(count: int, shape: tuple[int, ...], whole: Whole = None, *, device: torch.device | None = None) -> Tensor:
    """Return so many examples (count, *shape): zeros; of whole numbers the lowest, and in each once the highest.

    An embedding that has no place for the highest of them raises, as it would in training.
    """
    if whole is None:
        return torch.zeros(count, *shape, device=device)
    lowest, highest = whole
    made = torch.full((count, *shape), lowest, dtype=torch.int64, device=device)
    made[..., -1:] = highest
    return made
