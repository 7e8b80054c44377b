"""The deep networks of report R2.3: several hidden layers, their widths as one list or one setting each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class Deep(nn.Module):
    """Pixels -> ReLU layers of the widths in `hidden` -> class logits. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([in_features, *hidden]))
        self.output = nn.Linear(hidden[-1], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        features = images.flatten(1)
        for layer in self.hidden:
            features = layer(features).relu()
        logits: Tensor = self.output(features)
        return logits


class Deep2(Deep):
    """Two hidden layers, each width a setting of its own, so that each can be an axis."""

    def __init__(self, *, in_features: int, num_classes: int, neurons_1: int, neurons_2: int) -> None:
        super().__init__(in_features=in_features, num_classes=num_classes, hidden=[neurons_1, neurons_2])


class Deep3(Deep):
    """Three hidden layers, each width a setting of its own, so that each can be an axis."""

    def __init__(self, *, in_features: int, num_classes: int, neurons_1: int, neurons_2: int, neurons_3: int) -> None:
        super().__init__(in_features=in_features, num_classes=num_classes, hidden=[neurons_1, neurons_2, neurons_3])
