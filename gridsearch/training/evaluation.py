"""Measuring a model on a set of images without changing it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gridsearch.training.arrays import DeviceArrays


@dataclass
class Tally:
    """Sums over images, kept on the device until they are asked for, so that nothing waits for it step by step."""

    loss: Tensor
    correct: Tensor
    count: int = 0

    @classmethod
    def on(cls, device: torch.device) -> Tally:
        """Return an empty tally on a device."""
        return cls(
            torch.zeros((), dtype=torch.float64, device=device),
            torch.zeros((), dtype=torch.int64, device=device),
        )

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count logits (n, K) against labels (n,)."""
        self.loss += functional.cross_entropy(logits, labels, reduction="sum")
        self.correct += (logits.argmax(1) == labels).sum()
        self.count += len(labels)

    def means(self) -> tuple[float, float]:
        """Return the mean cross-entropy in nats and the accuracy in [0, 1]."""
        return self.loss.item() / self.count, self.correct.item() / self.count


@torch.inference_mode()
def evaluate(model: nn.Module, arrays: DeviceArrays) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of the model over all images, in evaluation mode."""
    model.eval()
    tally = Tally.on(arrays.labels.device)
    for images, labels in arrays.in_order(arrays.chunk_size(1)):
        tally.add(model(images), labels)
    return tally.means()
