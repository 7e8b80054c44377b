"""Every random draw of a training, as a function of what it is for and never of what was drawn before it."""

from __future__ import annotations

import hashlib

import torch

from gridsearch.models.seeding import seed_everything as seed_everything


def derive(seed: int, *purpose: str | int) -> int:
    """Return a seed in [0, 2**63) for one purpose: the same seed and words give the same number everywhere."""
    text = ":".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def epoch_order(count: int, *, data_seed: int, epoch: int) -> torch.Tensor:
    """Return the order (N,) in which an epoch visits the training images; drawn on the CPU, so equal on any device."""
    generator = torch.Generator().manual_seed(derive(data_seed, "order", epoch))
    return torch.randperm(count, generator=generator)
