"""Measuring models on a set of images without changing them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gridsearch.config.extra_metrics import column_of
from gridsearch.training.arrays import DeviceArrays, images_of_chunk
from gridsearch.training.loop.metrics import extra_metrics
from gridsearch.training.strategies.base import Strategy

EVALUATION_BATCH = 512


@dataclass
class Tally:
    """Sums over images for M models, kept on the device until they are asked for, so that nothing waits for it."""

    loss: Tensor
    correct: Tensor
    count: int = 0

    @classmethod
    def of(cls, models: int, device: torch.device) -> Tally:
        """Return an empty tally of M models on a device."""
        return cls(
            torch.zeros(models, dtype=torch.float64, device=device),
            torch.zeros(models, dtype=torch.int64, device=device),
        )

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count logits (M, n, K) against labels (n,)."""
        models = len(logits)
        losses = functional.cross_entropy(logits.flatten(0, 1), labels.repeat(models), reduction="none")
        self.loss += losses.view(models, -1).sum(1, dtype=torch.float64)
        self.correct += (logits.argmax(2) == labels).sum(1)
        self.count += len(labels)

    def means(self) -> list[tuple[float, float]]:
        """Return each model's mean cross-entropy in nats and its accuracy in [0, 1]."""
        return list(zip((self.loss / self.count).tolist(), (self.correct.double() / self.count).tolist(), strict=True))


@torch.no_grad()
def evaluate(strategy: Strategy, arrays: DeviceArrays) -> list[tuple[float, float]]:
    """Return each model's mean cross-entropy and accuracy over all images, in evaluation mode."""
    tally = Tally.of(strategy.size, arrays.labels.device)
    for images, labels in arrays.in_order(evaluation_batch(arrays)):
        tally.add(strategy.logits(images), labels)
    return tally.means()


@torch.no_grad()
def validate(strategy: Strategy, arrays: DeviceArrays) -> list[tuple[float, float, dict[str, float]]]:
    """Return of each model what `evaluate` does, and the metrics that its trial asks for, as its epochs call them."""
    names = strategy.configs[0].metrics
    if not names:
        return [(*both, {}) for both in evaluate(strategy, arrays)]
    tally = Tally.of(strategy.size, arrays.labels.device)
    found: list[Tensor] = []
    for images, labels in arrays.in_order(evaluation_batch(arrays)):
        logits = strategy.logits(images)
        tally.add(logits, labels)
        found.append(logits)
    more = extra_metrics(names, torch.cat(found, dim=1), arrays.labels)
    return [
        (*both, {column_of(name): value for name, value in own.items()})
        for both, own in zip(tally.means(), more, strict=True)
    ]


def evaluation_batch(arrays: DeviceArrays) -> int:
    """Return how many images a model is given at once where it is evaluated: `EVALUATION_BATCH`, of large images fewer.

    It depends on the images alone. A forward may look at its batch (normalise by it, say), so another number of images
    would be other numbers.
    """
    return images_evaluated(arrays.image_shape)


def images_evaluated(image_shape: tuple[int, ...]) -> int:
    """Return as `evaluation_batch`, given the images' shape."""
    return min(EVALUATION_BATCH, images_of_chunk(image_shape))
