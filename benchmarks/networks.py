"""Small networks of the kinds people train: with and without convolutions, normalisation and dropout."""

from __future__ import annotations

from torch import Tensor, nn


class Mlp(nn.Module):
    """Two hidden tanh layers; with `norm` batch normalisation, with `dropout` dropout after each."""

    def __init__(
        self, *, in_features: int, num_classes: int, width: int = 64, norm: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for inner in (in_features, width):
            layers.append(nn.Linear(inner, width, bias=not norm))
            layers += [nn.BatchNorm1d(width)] if norm else []
            layers.append(nn.Tanh())
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers, nn.Linear(width, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.layers(images)
        return logits


class Cnn(nn.Module):
    """Two 3 x 3 convolutions with pooling, a dense layer; with `norm` and `dropout` as in `Mlp`."""

    def __init__(
        self,
        *,
        in_channels: int,
        image_shape: tuple[int, int, int],
        num_classes: int,
        channels: int = 8,
        norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in ((in_channels, channels), (channels, 2 * channels)):
            layers.append(nn.Conv2d(inner, outer, 3, padding=1, bias=not norm))
            layers += [nn.BatchNorm2d(outer)] if norm else []
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
        features = 2 * channels * (image_shape[1] // 4) * (image_shape[2] // 4)
        layers += [nn.Flatten(), nn.Dropout(dropout)] if dropout else [nn.Flatten()]
        self.layers = nn.Sequential(*layers, nn.Linear(features, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = self.layers(images)
        return logits
