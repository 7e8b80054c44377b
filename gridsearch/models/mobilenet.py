"""torchvision's MobileNetV3-Small for small images, as in report R0.

Layers and parameters have torchvision's names, so its weights fit.
"""

from __future__ import annotations

import torchvision.models
from torch import Tensor, nn

from gridsearch.models.sizes import resizing

_STEM_FILTERS = 16


class MobileNetV3Small(nn.Module):
    """MobileNetV3-Small whose first convolution moves by `stem_stride`. Input (B, C, H, W), output (B, K).

    With `resize` above 0 images are first scaled to that many pixels a side, bilinearly.
    """

    def __init__(
        self, *, in_channels: int, num_classes: int, stem_stride: int = 1, dropout: float = 0.2, resize: int = 0
    ) -> None:
        super().__init__()
        net = torchvision.models.mobilenet_v3_small(num_classes=num_classes, dropout=dropout)
        stem = nn.Conv2d(in_channels, _STEM_FILTERS, 3, stride=stem_stride, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out")
        net.features[0][0] = stem
        self.resize = resizing(resize)
        self.features, self.avgpool, self.classifier = net.features, net.avgpool, net.classifier

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K) for images (B, C, H, W)."""
        features = self.features(images if self.resize is None else self.resize(images))
        logits: Tensor = self.classifier(self.avgpool(features).flatten(1))
        return logits
