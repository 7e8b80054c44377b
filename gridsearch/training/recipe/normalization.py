"""Normalisation: from pixels in [0, 1] to what a model is given."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Mean and deviation of ImageNet's pixels in [0, 1]: red, green, blue, as torchvision's weights were trained with; and
#: their means, for grey images.
_IMAGENET = {3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), 1: ((0.449,), (0.226,))}
#: How many images are summed at a time.
_CHUNK = 4096


@dataclass(frozen=True)
class Normalizer:
    """Standardises pixels: by channel with the `mean` and `std` given, or each image by itself without.

    Both are (C, 1, 1), or of as many dimensions as an example of other data has.
    """

    mean: Tensor | None = None
    std: Tensor | None = None

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return pixels (n, C, H, W), or numbers (n, C, ...), standardised; what is constant becomes zeros."""
        if self.mean is not None and self.std is not None:
            return (pixels - self.mean.to(pixels.dtype)) / self.std.to(pixels.dtype)
        std, mean = torch.std_mean(pixels, dim=tuple(range(1, pixels.dim())), correction=0, keepdim=True)
        # As `tf.image.per_image_standardization`: noise in an even image is not blown up.
        return (pixels - mean) / std.clamp_min(pixels[0].numel() ** -0.5)

    def to(self, device: torch.device) -> Normalizer:
        """Return it on a device."""
        mean, std = self.mean, self.std
        return Normalizer(None if mean is None else mean.to(device), None if std is None else std.to(device))


#: The kinds under which images of bytes are in [0, 1] and other data are as given: nothing more is done.
UNCHANGED = frozenset({"scale", "none"})


def make_normalizer(kind: str, images: Tensor, *, as_given: bool = False) -> Normalizer | None:
    """Return what normalises pixels in [0, 1], or other numbers; None for `UNCHANGED`.

    Args:
        kind: "scale", "channel", "image", "imagenet" (for C of 1 or 3) or "none".
        images: The training images (N, C, H, W), uint8 or floating point, on the device.
        as_given: They are not pixels, but floats of any values and shape (N, C, ...); a table's columns are channels.
    """
    if kind in UNCHANGED:
        return None
    if kind == "image":
        return Normalizer()
    if kind == "imagenet":
        mean, std = torch.tensor(_IMAGENET[images.shape[1]], dtype=torch.float64, device=images.device)
        return Normalizer(mean[:, None, None], std[:, None, None])
    if as_given:
        return _by_channel(images)
    scale = 1.0 if images.is_floating_point() else 255.0
    sums = torch.zeros(2, images.shape[1], dtype=torch.float64, device=images.device)
    for part in torch.split(images, _CHUNK):
        pixels = part.double() / scale
        sums += torch.stack([pixels.sum((0, 2, 3)), pixels.square().sum((0, 2, 3))])
    mean, square = sums / (images.numel() // images.shape[1])
    std = (square - mean.square()).clamp_min(0).sqrt()
    return Normalizer(mean[:, None, None], torch.where(std > 0, std, 1.0)[:, None, None])


def _by_channel(numbers: Tensor) -> Normalizer:
    """Return the normalizer of numbers (N, C, ...); in two passes, as their mean may be far larger than they vary."""
    others = (0, *range(2, numbers.dim()))
    count = numbers.numel() // numbers.shape[1]
    shape = (-1, *(1,) * (numbers.dim() - 2))
    parts = torch.split(numbers, _CHUNK)
    mean = torch.stack([part.double().sum(others) for part in parts]).sum(0).view(shape) / count
    squares = torch.stack([(part.double() - mean).square().sum(others) for part in parts]).sum(0).view(shape)
    std = (squares / count).sqrt()
    return Normalizer(mean, torch.where(std > 0, std, 1.0))
