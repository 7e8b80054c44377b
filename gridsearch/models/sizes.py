"""The sizes of layers and images: those that a model cannot have or take, and scaling images to others."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from gridsearch.errors import ModelError


def check_widths(setting: str, *widths: int) -> None:
    """Raise `ModelError` where a layer would have no unit: torch makes such layers, and they learn nothing."""
    for width in widths:
        if width < 1:
            raise ModelError(f"{setting}: a width must be at least 1, not {width}")


def check_hidden(setting: str, widths: Sequence[int]) -> None:
    """Raise `ModelError` as `check_widths`, and where there is no layer at all."""
    if not widths:
        raise ModelError(f"{setting} needs at least one width")
    check_widths(setting, *widths)


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
