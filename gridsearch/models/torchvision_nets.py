"""torchvision's ResNets and MobileNetV3-Small, for images of any size and any number of channels.

Layers and parameters have torchvision's names, so its weights fit.
"""

from __future__ import annotations

import torchvision.models
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from gridsearch.models.sizes import resizing

#: Filters of the first convolutions, as torchvision has them.
_RESNET_STEM, _MOBILENET_STEM = 64, 16


class ResNet(torchvision.models.ResNet):  # type: ignore[misc]  # torchvision is not typed
    """torchvision's ResNet with a first convolution for C channels. Input (B, C, H, W), output (B, K).

    With `resize` above 0 images are first scaled to that many pixels a side, bilinearly.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        blocks: list[int],
        *,
        in_channels: int,
        num_classes: int,
        resize: int,
    ) -> None:
        super().__init__(block, blocks, num_classes=num_classes)
        if in_channels != 3:
            self.conv1 = nn.Conv2d(in_channels, _RESNET_STEM, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.resize = resizing(resize)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        logits: Tensor = super().forward(images if self.resize is None else self.resize(images))
        return logits


def resnet18(*, in_channels: int, num_classes: int, resize: int = 0) -> ResNet:
    """Return ResNet-18, as in reports R2.4 and R0."""
    return ResNet(BasicBlock, [2, 2, 2, 2], in_channels=in_channels, num_classes=num_classes, resize=resize)


def resnet50(*, in_channels: int, num_classes: int, resize: int = 0) -> ResNet:
    """Return ResNet-50, the larger teacher of report R0."""
    return ResNet(Bottleneck, [3, 4, 6, 3], in_channels=in_channels, num_classes=num_classes, resize=resize)


class MobileNetV3Small(nn.Module):
    """MobileNetV3-Small whose first convolution moves by `stem_stride`. Input (B, C, H, W), output (B, K).

    With `resize` above 0 images are first scaled to that many pixels a side, bilinearly.
    """

    def __init__(
        self, *, in_channels: int, num_classes: int, stem_stride: int = 1, dropout: float = 0.2, resize: int = 0
    ) -> None:
        super().__init__()
        net = torchvision.models.mobilenet_v3_small(num_classes=num_classes, dropout=dropout)
        stem = nn.Conv2d(in_channels, _MOBILENET_STEM, 3, stride=stem_stride, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out")
        net.features[0][0] = stem
        self.resize = resizing(resize)
        self.features, self.avgpool, self.classifier = net.features, net.avgpool, net.classifier

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        features = self.features(images if self.resize is None else self.resize(images))
        logits: Tensor = self.classifier(self.avgpool(features).flatten(1))
        return logits
