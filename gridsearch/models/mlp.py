"""The multilayer perceptron of report R0: dense layers with batch normalisation and dropout."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """Pixels -> dense ReLU layers of the widths in `hidden` -> class logits. Input (B, C, H, W), output (B, K).

    Every hidden layer but the last is normalised before its ReLU where `batch_norm` is true, and has a bias then only
    with `bias_before_norm`; `dropout_1` to `dropout_3` follow the first three of these.
    """

    def __init__(
        self,
        *,
        in_features: int,
        num_classes: int,
        hidden: Sequence[int] = (1024, 512, 256, 128),
        batch_norm: bool = True,
        bias_before_norm: bool = False,
        dropout_1: float = 0.4,
        dropout_2: float = 0.3,
        dropout_3: float = 0.2,
    ) -> None:
        super().__init__()
        dropouts = [dropout_1, dropout_2, dropout_3]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        inner = in_features
        for n, outer in enumerate(hidden, start=1):
            regularised = n < len(hidden)
            normalised = regularised and batch_norm
            layers[f"dense{n}"] = nn.Linear(inner, outer, bias=bias_before_norm or not normalised)
            if normalised:
                layers[f"norm{n}"] = nn.BatchNorm1d(outer)
            layers[f"relu{n}"] = nn.ReLU()
            if regularised and n <= len(dropouts) and dropouts[n - 1]:
                layers[f"dropout{n}"] = nn.Dropout(dropouts[n - 1])
            inner = outer
        layers["output"] = nn.Linear(inner, num_classes)
        self.layers = nn.Sequential(layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.layers(images.flatten(1))
        return logits
