"""Measuring models on a set of images without changing them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gridsearch.training.arrays import DeviceArrays, images_of_chunk
from gridsearch.training.recipe.criterion import Criterion
from gridsearch.training.strategies.base import Strategy

EVALUATION_BATCH = 512


@dataclass
class Tally:
    """Sums over images for M models, kept on the device until they are asked for, so that nothing waits for it.

    `weight` is what the summed losses are to be divided by, where that is not the number of images; `correct` is None
    where targets are no classes.
    """

    criterion: Criterion
    class_weights: Tensor | None
    loss: Tensor
    weight: Tensor | int
    correct: Tensor | None
    count: int = 0

    @classmethod
    def of(
        cls,
        models: int,
        arrays: DeviceArrays,
        criterion: Criterion | None = None,
        class_weights: Tensor | None = None,
    ) -> Tally:
        """Return an empty tally of M models, by a criterion with weights (M, K) of the classes, for such targets."""
        device = arrays.labels.device
        correct = None if arrays.targets_are_numbers else torch.zeros(models, dtype=torch.int64, device=device)
        loss = torch.zeros(models, dtype=torch.float64, device=device)
        return cls(criterion or Criterion(), class_weights, loss, 0, correct)

    def add(self, logits: Tensor, labels: Tensor, sizes: Sequence[int] = ()) -> None:
        """Count logits (M, n, K) against labels (n,) or (n, K), of batches of these sizes; by default of one."""
        whole = self.criterion.own is None or not sizes
        for part, targets in [(logits, labels)] if whole else _batches(logits, labels, sizes):
            loss, weight = self.criterion.sums(part, targets, self.class_weights)
            self.loss += loss
            self.weight = self.weight + weight
        if self.correct is not None:
            self.correct += (logits.argmax(2) == labels).sum(1)
        self.count += len(labels)

    def means(self) -> list[tuple[float, float]]:
        """Return each model's mean loss (a cross-entropy in nats) and its accuracy in [0, 1], NaN without classes."""
        losses = (self.loss / self.weight).tolist()
        if self.correct is None:
            return [(loss, math.nan) for loss in losses]
        return list(zip(losses, (self.correct.double() / self.count).tolist(), strict=True))


def _batches(logits: Tensor, labels: Tensor, sizes: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(logits, list(sizes), dim=1), torch.split(labels, list(sizes)), strict=True)


@dataclass
class Answers:
    """Which images each of M models has right, batch by batch, on the device until all are there."""

    parts: list[Tensor] = field(default_factory=list)

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Note of logits (M, n, K) which are highest at the labels (n,)."""
        self.parts.append(logits.argmax(2) == labels)

    def packed(self) -> list[bytes]:
        """Return a bit for each image of each model, as `numpy.packbits` makes them."""
        found = torch.cat(self.parts, dim=1).cpu().numpy()
        return [row.tobytes() for row in np.packbits(found, axis=1)]


def tally_of(strategy: Strategy, arrays: DeviceArrays) -> Tally:
    """Return an empty tally of a strategy's models on such data."""
    return Tally.of(strategy.size, arrays, strategy.criterion, strategy.class_weights)


#: Of a model its mean loss, its accuracy, and the metrics that its trial asks for, as its epochs call them.
Measured = tuple[float, float, dict[str, float]]


@torch.no_grad()
def evaluate(strategy: Strategy, arrays: DeviceArrays, answers: Answers | None = None) -> list[tuple[float, float]]:
    """Return each model's mean loss and accuracy over all images, in evaluation mode; `answers` are filled."""
    tally = tally_of(strategy, arrays)
    for images, labels in arrays.in_order(evaluation_batch(arrays)):
        logits = strategy.logits(images)
        tally.add(logits, labels)
        if answers is not None:
            answers.add(logits, labels)
    return tally.means()


@torch.no_grad()
def validate(
    strategy: Strategy, arrays: DeviceArrays, part: str = "val", answers: Answers | None = None
) -> list[Measured]:
    """Return of each model what `evaluate` does, and its metrics of a part of the images, `val` or `train`."""
    if not strategy.meter.wants(part):
        return [(*both, {}) for both in evaluate(strategy, arrays, answers)]
    tally = tally_of(strategy, arrays)
    found: list[Tensor] = []
    for images, labels in arrays.in_order(evaluation_batch(arrays)):
        logits = strategy.logits(images)
        tally.add(logits, labels)
        found.append(logits)
        if answers is not None:
            answers.add(logits, labels)
    more = strategy.meter.measured(part, found, arrays.labels, arrays.targets)
    return [(*both, own) for both, own in zip(tally.means(), more, strict=True)]


def evaluation_batch(arrays: DeviceArrays) -> int:
    """Return how many images a model is given at once where it is evaluated: `EVALUATION_BATCH`, of large images fewer.

    It depends on the images alone. A forward may look at its batch (normalise by it, say), so another number of images
    would be other numbers.
    """
    return images_evaluated(arrays.image_shape)


def images_evaluated(image_shape: tuple[int, ...]) -> int:
    """Return as `evaluation_batch`, given the images' shape."""
    return min(EVALUATION_BATCH, images_of_chunk(image_shape))
