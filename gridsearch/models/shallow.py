"""The shallow network of report R2.2: one hidden layer."""

from __future__ import annotations

from torch import Tensor, nn


class Shallow(nn.Module):
    """Pixels -> `neurons` ReLU units -> class logits. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int, neurons: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(in_features, neurons)
        self.output = nn.Linear(neurons, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.output(self.hidden(images.flatten(1)).relu())
        return logits
