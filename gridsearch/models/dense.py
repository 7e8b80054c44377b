"""Dense networks: the perceptron of report R2.1, the shallow and deep networks of R2.2 and R2.3, the MLP of R0."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from gridsearch.models.sizes import check_hidden, check_widths


class Perceptron(nn.Module):
    """Pixels to class logits by one linear map. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(in_features, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.output(images.flatten(1))
        return logits


class Shallow(nn.Module):
    """Pixels -> `neurons` ReLU units -> class logits. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int, neurons: int) -> None:
        super().__init__()
        check_widths("neurons", neurons)
        self.hidden = nn.Linear(in_features, neurons)
        self.output = nn.Linear(neurons, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.output(self.hidden(images.flatten(1)).relu())
        return logits


class Deep(nn.Module):
    """Pixels -> ReLU layers of the widths in `hidden` -> class logits. Input (B, C, H, W), output (B, K)."""

    def __init__(self, *, in_features: int, num_classes: int, hidden: Sequence[int]) -> None:
        super().__init__()
        check_hidden("hidden", hidden)
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
        check_widths("neurons_1", neurons_1)
        check_widths("neurons_2", neurons_2)
        super().__init__(in_features=in_features, num_classes=num_classes, hidden=[neurons_1, neurons_2])


class Deep3(Deep):
    """Three hidden layers, each width a setting of its own, so that each can be an axis."""

    def __init__(self, *, in_features: int, num_classes: int, neurons_1: int, neurons_2: int, neurons_3: int) -> None:
        check_widths("neurons_1", neurons_1)
        check_widths("neurons_2", neurons_2)
        check_widths("neurons_3", neurons_3)
        super().__init__(in_features=in_features, num_classes=num_classes, hidden=[neurons_1, neurons_2, neurons_3])


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
        check_widths("hidden", *hidden)
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
