"""Networks drawn at random for the oracle: their layers are data, so hypothesis can shrink them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class Net(nn.Module):
    """Convolutions of the given channels, then dense layers of the given widths, each with what goes between.

    No bias before a normalisation: its gradient is rounding noise around 0, which Adam would blow up to steps.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        channels: Sequence[int] = (),
        widths: Sequence[int] = (),
        activation: str = "relu",
        norm: bool = False,
        dropout: float = 0.0,
        drop_channels: bool = False,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inner, side = in_channels, 8
        for outer in channels:
            layers.append(nn.Conv2d(inner, outer, 3, padding=1, bias=not norm))
            layers += [nn.BatchNorm2d(outer)] if norm else []
            layers.append(ACTIVATIONS[activation]())
            layers += [nn.Dropout2d(dropout)] if drop_channels else []
            inner = outer
        if channels:
            layers.append(nn.MaxPool2d(2))
            side = 4
        layers.append(nn.Flatten())
        inner *= side * side
        for outer in widths:
            layers.append(nn.Linear(inner, outer, bias=not norm))
            layers += [nn.BatchNorm1d(outer)] if norm else []
            layers += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
            inner = outer
        layers.append(nn.Linear(inner, num_classes))
        self.layers = nn.Sequential(*layers)
        if frozen:
            next(self.parameters()).requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits
