"""The perceptron of report R2.1: one linear layer."""

from __future__ import annotations

from torch import Tensor, nn


class Perceptron(nn.Module):
    """Pixels to class logits by one linear map. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(in_features, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.output(images.flatten(1))
        return logits
