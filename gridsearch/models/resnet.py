"""torchvision's ResNets for images of any size and any number of channels.

Layers and parameters have torchvision's names, so its weights fit.
"""

from __future__ import annotations

import torchvision.models
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from gridsearch.models.sizes import resizing

_STEM_FILTERS = 64


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
            self.conv1 = nn.Conv2d(in_channels, _STEM_FILTERS, 7, stride=2, padding=3, bias=False)
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
