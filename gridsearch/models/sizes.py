"""The sizes of images: those that a model cannot take, and scaling them to others."""

from __future__ import annotations

from torch import nn

from gridsearch.errors import ModelError


def check_pooling(image_shape: tuple[int, int, int], poolings: int) -> tuple[int, int]:
    """Return height and width after poolings that halve both; `ModelError` when nothing of an image is left."""
    _, height, width = image_shape
    left = height >> poolings, width >> poolings
    if not all(left):
        needed = 1 << poolings
        order = "" if height == width else " (height x width)"
        raise ModelError(
            f"images of {height} x {width} pixels{order} are too small for {poolings} poolings by 2;"
            f" they need at least {needed} x {needed}"
        )
    return left


def resizing(pixels: int) -> nn.Upsample | None:
    """Return what scales images (B, C, H, W) to so many pixels a side, bilinearly; None for 0, which keeps them."""
    if pixels < 0:
        raise ModelError(f"resize: {pixels} pixels a side; write 0 to keep the size of the images")
    return nn.Upsample(size=(pixels, pixels), mode="bilinear", align_corners=False) if pixels else None
