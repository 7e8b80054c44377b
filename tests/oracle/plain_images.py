"""Augmentation image by image with torchvision, from the draws that the seeds give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as vision

from gridsearch.training.recipe.randomness import derive


def augmented(pixels: Tensor, recipe: Mapping[str, Any], epoch: int) -> Tensor:
    """Return an epoch's images (N, C, H, W), in its order, changed as the recipe asks."""

    def draws(purpose: str, *shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(recipe["data_seed"], "augmentation", purpose, epoch))
        return torch.rand(len(pixels), *shape, generator=generator, dtype=torch.float64)

    images = list(pixels)
    if recipe["rotation"] or recipe["shift"] or recipe["zoom"]:
        angles = ((2 * draws("rotation") - 1) * recipe["rotation"]).tolist()
        shifts = ((2 * draws("shift", 2) - 1) * recipe["shift"]).tolist()
        zooms = (1 + (2 * draws("zoom") - 1) * recipe["zoom"]).tolist()
        images = [_turned(*one) for one in zip(images, angles, shifts, zooms, strict=True)]
    if padding := recipe["crop_padding"]:
        places = (draws("crop", 2) * (2 * padding + 1)).long().tolist()
        height, width = pixels.shape[2:]
        padded = [vision.pad(image, [padding]) for image in images]
        images = [
            vision.crop(image, top, left, height, width) for image, (top, left) in zip(padded, places, strict=True)
        ]
    if recipe["flip"]:
        mirrored = (draws("flip") < 0.5).tolist()
        images = [vision.hflip(image) if now else image for image, now in zip(images, mirrored, strict=True)]
    return torch.stack(images)


def _turned(image: Tensor, angle: float, shift: list[float], zoom: float) -> Tensor:
    """Return an image (C, H, W) moved by a share of its height and width, then turned and made larger about its middle.

    Where it looks outside the image its edge is repeated.
    """
    height, width = image.shape[1:]
    margin = 2 * max(height, width)
    down, right = shift[0] * height, shift[1] * width
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    moved = [zoom * (cos * right - sin * down), zoom * (sin * right + cos * down)]
    wide = vision.pad(image, [margin], padding_mode="edge")
    wide = vision.affine(wide, angle, moved, zoom, [0.0, 0.0], InterpolationMode.BILINEAR)
    return vision.center_crop(wide, [height, width])
