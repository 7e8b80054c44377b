"""Every random draw of a training, as a function of what it is for and never of what was drawn before it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive(seed: int, *purpose: str | int) -> int:
    """Return a seed in [0, 2**63) for one purpose: the same seed and words give the same number everywhere."""
    text = ":".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def epoch_order(count: int, *, data_seed: int, epoch: int) -> torch.Tensor:
    """Return the order (N,) in which an epoch visits the training images; drawn on the CPU, so equal on any device."""
    generator = torch.Generator().manual_seed(derive(data_seed, "order", epoch))
    return torch.randperm(count, generator=generator)


@contextmanager
def unchanged_draws(device: torch.device) -> Iterator[None]:
    """Leave what is drawn later, by torch, numpy and Python, as if nothing had been drawn within."""
    python, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


def random_states() -> tuple[object, ...]:
    """Return where the streams of torch on the CPU, numpy and Python stand; equal only where nothing was drawn."""
    _, keys, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), np.asarray(keys).tobytes(), *rest, random.getstate()
