"""Models whose numbers depend on how they are trained and evaluated: what stacks and optimisers easily get wrong."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Odd(nn.Module):
    """A small dense network of which the classes below change one thing; `scale` makes settings differ."""

    def __init__(self, in_features: int, num_classes: int, scale: float = 1.0) -> None:
        super().__init__()
        self.body = nn.Linear(in_features, 12)
        self.head = nn.Linear(12, num_classes)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.tanh(self.body(x.flatten(1))) * self.scale)
        return logits


class Centres(Odd):
    """Its logits depend on the images beside."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


class BatchStatistics(Odd):
    """Batch normalisation that keeps no statistics, so that evaluation, too, looks at the batch."""

    def __init__(self, in_features: int, num_classes: int, scale: float = 1.0) -> None:
        super().__init__(in_features, num_classes, scale)
        self.norm = nn.BatchNorm1d(num_classes, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norm(super().forward(x))
        return normalised


class CountsImages(Odd):
    """Its logits depend on how many images there are."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 + x.shape[0] / 100)


class FrozenBody(Odd):
    """A body that is trainable and never gets a gradient."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            features = torch.tanh(self.body(x.flatten(1)))
        logits: Tensor = self.head(features * self.scale)
        return logits


class EvaluationHead(Odd):
    """Another head for evaluation, which no training reaches."""

    def __init__(self, in_features: int, num_classes: int, scale: float = 1.0) -> None:
        super().__init__(in_features, num_classes, scale)
        self.other = nn.Linear(12, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = torch.tanh(self.body(x.flatten(1))) * self.scale
        logits: Tensor = (self.head if self.training else self.other)(features)
        return logits


class LayerDrop(Odd):
    """A layer that some steps leave out, in which it has no gradient."""

    def __init__(self, in_features: int, num_classes: int, scale: float = 1.0) -> None:
        super().__init__(in_features, num_classes, scale)
        self.extra = nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        features = torch.tanh(self.body(x.flatten(1)))
        if not self.training or torch.rand(()) < 0.5:
            features = features + torch.tanh(self.extra(features))
        logits: Tensor = self.head(features * self.scale)
        return logits


ALL = ("Centres", "BatchStatistics", "CountsImages", "FrozenBody", "EvaluationHead", "LayerDrop")
