"""SqueezeNet for small images, as in report R1: few parameters by squeezing channels before 3 x 3 convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from gridsearch.errors import ModelError
from gridsearch.models.sizes import check_pooling

STEM_FILTERS = 96


class Fire(nn.Module):
    """1 x 1 convolution to `squeeze` channels, then 1 x 1 and 3 x 3 convolutions side by side.

    Input (B, C, H, W), output (B, expand_1x1 + expand_3x3, H, W). `conv` makes a convolution with what follows it from
    its channels, in and out, and its kernel's size.
    """

    def __init__(
        self, channels: int, squeeze: int, expand_1x1: int, expand_3x3: int, *, conv: Callable[..., nn.Sequential]
    ) -> None:
        super().__init__()
        self.squeeze = conv(channels, squeeze, 1)
        self.expand_1x1 = conv(squeeze, expand_1x1, 1)
        self.expand_3x3 = conv(squeeze, expand_3x3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return the channels of both expanding convolutions."""
        squeezed = self.squeeze(x)
        return torch.cat([self.expand_1x1(squeezed), self.expand_3x3(squeezed)], dim=1)


class SqueezeNet(nn.Module):
    """A convolution, fire modules with poolings between them, a 1 x 1 convolution to the classes, their mean.

    Input (B, C, H, W), output (B, K). Fire module i (from 0) expands to `base_expand + i * expand_increment` channels,
    a share `pct_3x3` of them by 3 x 3 filters, and squeezes to `squeeze_ratio` times as many. There are `pools` 2 x 2
    max poolings, the first after the first convolution and one after each fire module from the first on. With
    `batch_norm` every convolution but the last is normalised, and has a bias only with `bias_before_norm`.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        num_classes: int,
        squeeze_ratio: float = 0.125,
        pct_3x3: float = 0.5,
        base_expand: int = 128,
        expand_increment: int = 128,
        fires: int = 4,
        pools: int = 2,
        dropout: float = 0.5,
        batch_norm: bool = False,
        bias_before_norm: bool = False,
    ) -> None:
        super().__init__()
        if not 1 <= pools <= fires:
            raise ModelError(f"pools: must be from 1 to the number of fire modules ({fires}), not {pools}")
        check_pooling(image_shape, pools)
        features: OrderedDict[str, nn.Module] = OrderedDict()
        conv = partial(_conv, batch_norm=batch_norm, bias=bias_before_norm or not batch_norm)
        features["stem"] = conv(image_shape[0], STEM_FILTERS, 3)
        features["pool0"] = nn.MaxPool2d(2)
        channels = STEM_FILTERS
        for n in range(fires):
            expand = base_expand + n * expand_increment
            squeeze, by_3x3 = round(squeeze_ratio * expand), round(pct_3x3 * expand)
            if not (squeeze >= 1 and 0 < by_3x3 < expand):
                raise ModelError(
                    f"fire module {n + 1} would have {squeeze} squeezing, {expand - by_3x3} 1 x 1 and {by_3x3} 3 x 3"
                    " filters; each number must be above 0"
                )
            features[f"fire{n + 1}"] = Fire(channels, squeeze, expand - by_3x3, by_3x3, conv=conv)
            if n + 1 < pools:
                features[f"pool{n + 1}"] = nn.MaxPool2d(2)
            channels = expand
        self.features = nn.Sequential(features)
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.classifier = nn.Conv2d(channels, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        features: Tensor = self.features(images)
        if self.dropout is not None:
            features = self.dropout(features)
        maps: Tensor = self.classifier(features)
        return maps.mean((2, 3))


def _conv(inner: int, outer: int, kernel_size: int, *, batch_norm: bool, bias: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(inner, outer, kernel_size, padding=kernel_size // 2, bias=bias)
    if batch_norm:
        layers["norm"] = nn.BatchNorm2d(outer)
    layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)
