"""A user's own schedules and transforms, as the recipes of the oracle name them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2


def decay(epoch: int, step: int, *, steps_per_epoch: int, rate: float = 0.9) -> float:
    """Fall by a factor in each epoch, step by step."""
    assert epoch == step // steps_per_epoch
    return rate ** (step / steps_per_epoch)


def to_zero(epoch: int, *, epochs: float, strength: float = 1.0) -> Tensor:
    """Fall to zero over the training, epoch by epoch."""
    return torch.tensor(1 - epoch / epochs, dtype=torch.float64) ** strength


def turned(degrees: float = 20, noise: float = 0.05) -> Callable[[Any], Any]:
    """Change images as torchvision does, and add noise."""
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(degrees),
            v2.RandomApply([v2.GaussianBlur(3)], p=0.3),
            v2.Lambda(lambda image: image + noise * torch.randn(image.shape, dtype=image.dtype)),
        ]
    )


class Counted:
    """Draws from every global generator, and remembers how many images it has seen."""

    def __init__(self, image_shape: tuple[int, ...]) -> None:
        self.seen, self.first = 0, torch.rand(image_shape)

    def __call__(self, image: Tensor) -> Tensor:
        self.seen += 1
        scale = 0.5 + random.random() * float(np.random.rand())
        return (image * scale + self.first * 0.1 / self.seen).to(image.dtype)
