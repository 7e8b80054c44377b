"""Augmentation: training images changed at random, a batch at a time, on the device.

What happens to an image in an epoch is a function of (data seed, epoch, its place in the epoch's order) alone: all
draws of an epoch are made at once, on the CPU, before its first step. So neither the batch size, the device, the pack
nor the point at which training went on changes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gridsearch.config.trial import Recipe
from gridsearch.training.arrays import pixel_type
from gridsearch.training.recipe.randomness import derive


@dataclass(frozen=True)
class Augmentation:
    """What happens to the N images of one epoch, in the order of the epoch; None for what the recipe does not ask for.

    Attributes:
        mirrored: (N,) bool, which images are flipped.
        padding: Pixels of black around each image before it is cropped.
        places: (N, 2) whole pixels where the crop starts, from the top and from the left.
        maps: (N, 2, 3) affine maps from places in the new image to places in the old, both in [-1, 1], x before y, as
            `torch.nn.functional.affine_grid` takes them.
    """

    mirrored: Tensor | None
    padding: int
    places: Tensor | None
    maps: Tensor | None

    def __call__(self, pixels: Tensor, start: int) -> Tensor:
        """Return a batch of images, changed.

        Rotation, shift and zoom repeat the edge outside the image; crops are padded with black. The result is
        contiguous, as images are that nothing was done to: models may view them, and channels last, which indexing
        gives (a single channel's strides included), are summed in another order.

        Args:
            pixels: (n, C, H, W) in [0, 1].
            start: The first image's place in the order of the epoch.
        """
        own = slice(start, start + len(pixels))
        if self.maps is not None:
            grid = functional.affine_grid(self.maps[own].to(pixels.dtype), list(pixels.shape), align_corners=False)
            pixels = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
        if self.places is not None:
            pixels = _cropped(pixels, self.padding, self.places[own])
        if self.mirrored is not None:
            pixels = torch.where(self.mirrored[own, None, None, None], pixels.flip(3), pixels)
        return pixels.clone(memory_format=torch.contiguous_format) if self.places is not None else pixels


def draw_augmentation(
    recipe: Recipe, count: int, shape: tuple[int, ...], epoch: int, device: torch.device
) -> Augmentation | None:
    """Draw what happens to the images of an epoch.

    Args:
        recipe: What is asked for, and the `data_seed`.
        count: The number of training images N.
        shape: (C, H, W).
        epoch: The epoch; each has draws of its own.
        device: Where the images are.

    Returns:
        None if the recipe changes nothing.
    """

    def draws(purpose: str, *shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(recipe.data_seed, "augmentation", purpose, epoch))
        return torch.rand(count, *shape, generator=generator, dtype=torch.float64)

    mirrored = (draws("flip") < 0.5).to(device) if recipe.flip else None
    steps = 2 * recipe.crop_padding + 1
    places = (draws("crop", 2) * steps).long().to(device) if recipe.crop_padding else None
    maps = None
    if recipe.rotation or recipe.shift or recipe.zoom:
        angles = (2 * draws("rotation") - 1) * math.radians(recipe.rotation)
        shifts = (2 * draws("shift", 2) - 1) * recipe.shift
        zooms = 1 + (2 * draws("zoom") - 1) * recipe.zoom
        maps = _maps(angles, shifts, zooms, shape).to(device, pixel_type(recipe.precision))
    if mirrored is None and places is None and maps is None:
        return None
    return Augmentation(mirrored, recipe.crop_padding, places, maps)


def _maps(angles: Tensor, shifts: Tensor, zooms: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return (N, 2, 3): turned by angles (N,), moved by shifts (N, 2) of the sides, larger by zooms (N,)."""
    height, width = shape[-2:]
    cos, sin = angles.cos() / zooms, angles.sin() / zooms
    # In [-1, 1] the sides are of equal length, in pixels they may not be; 2 is the side's length there.
    rows = [cos, sin * height / width, -2 * shifts[:, 1], -sin * width / height, cos, -2 * shifts[:, 0]]
    return torch.stack(rows, 1).view(-1, 2, 3)


def _cropped(pixels: Tensor, padding: int, places: Tensor) -> Tensor:
    images, _, height, width = pixels.shape
    padded = functional.pad(pixels, (padding,) * 4)
    rows = places[:, :1] + torch.arange(height, device=pixels.device)
    columns = places[:, 1:] + torch.arange(width, device=pixels.device)
    each = torch.arange(images, device=pixels.device)
    # Indices around a slice: the images' axis, then the slice's, come in this order.
    return padded.permute(0, 2, 3, 1)[each[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
