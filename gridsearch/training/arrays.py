"""A data set on the device: put there once per worker, read by index, never through a `DataLoader`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gridsearch.config.batches import KEEP, LastBatch, batch_sizes
from gridsearch.data.kinds import are_pixels, are_whole
from gridsearch.data.targets import targets_of
from gridsearch.training.recipe.normalization import Normalizer

#: Images are kept as floats up to this size and as uint8 beyond it; the numbers are the same either way.
FLOAT_BYTES_LIMIT = 512 * 2**20
#: How many bytes of float32 pixels are gathered at a time: few enough to stay near the caches.
CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True)
class DeviceArrays:
    """Images (N, C, H, W), uint8 or floats in [0, 1], and labels (N,) int64, on one device.

    In place of classes there may be floats (N, D), numbers to predict or 0 and 1; `targets` says which
    (`data/targets.py`).

    A model is given `normalized` pixels: without a normalizer, those in [0, 1]. `dtype` is what pixels are computed in.
    `as_given` says that the images are no pixels: floats of any values or int64, and of any shape (N, ...).
    """

    images: Tensor
    labels: Tensor
    normalizer: Normalizer | None = None
    dtype: torch.dtype = torch.float32
    as_given: bool = False
    targets: str = "classes"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Return the shape of one example: (C, H, W) of images."""
        return tuple(self.images.shape[1:])

    @property
    def targets_are_numbers(self) -> bool:
        """Whether models are to predict numbers (N, D), and not a class."""
        return self.labels.is_floating_point()

    @cached_property
    def whole(self) -> tuple[int, int] | None:
        """The lowest and the highest of whole numbers that a model is given as such; else None."""
        if not self.as_given or self.images.is_floating_point():
            return None
        return int(self.images.min()), int(self.images.max())

    def chunk_size(self, batch_size: int) -> int:
        """Return how many images to gather at a time: whole batches, about `CHUNK_BYTES` of them."""
        return batch_size * max(1, images_of_chunk(self.image_shape) // batch_size)

    def pixels(self, images: Tensor) -> Tensor:
        """Return some of the images as pixels in [0, 1], or as they are given."""
        return as_pixels(images, self.dtype)

    def normalized(self, pixels: Tensor) -> Tensor:
        """Return pixels (n, C, H, W) in [0, 1] as a model is given them."""
        return self.normalizer(pixels) if self.normalizer else pixels

    def chunks(
        self, order: Tensor, batch_size: int, last_batch: LastBatch = KEEP
    ) -> Iterator[tuple[Tensor, Tensor, list[int]]]:
        """Yield places (n,), pixels (n, C, H, W) in [0, 1] and the sizes of the batches that these are, in this order.

        The pixels are not normalised yet: they may be augmented first.
        """
        sizes = batch_sizes(len(order), batch_size, last_batch)
        at_once = self.chunk_size(batch_size) // batch_size
        start = 0
        places = order.to(self.labels.device)
        for first in range(0, len(sizes), at_once):
            own = sizes[first : first + at_once]
            part = places[start : start + sum(own)]
            start += len(part)
            yield part, self.pixels(self.images[part]), own

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all images, normalised, and labels in batches, in the order they are kept."""
        for images, labels in zip(
            torch.split(self.images, batch_size), torch.split(self.labels, batch_size), strict=True
        ):
            yield self.normalized(self.pixels(images)), labels


def images_of_chunk(image_shape: tuple[int, ...]) -> int:
    """Return how many images of this shape are about `CHUNK_BYTES` of float32 pixels, one at least."""
    return max(1, CHUNK_BYTES // (4 * math.prod(image_shape)))


def as_pixels(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return images of bytes as floats in [0, 1], in the type asked for; others as they are."""
    return images.to(dtype).div_(255.0) if images.dtype == torch.uint8 else images


def pixel_type(precision: str) -> torch.dtype:
    """Return the type of pixels, and of a model's parameters, under a recipe's precision."""
    return torch.float64 if precision == "float64" else torch.float32


def _targets(labels: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """Return classes (N,) as they are, and numbers (N,) or (N, D), 0 and 1 among them, as floats (N, D)."""
    if targets_of(labels) == "classes":
        return torch.from_numpy(np.array(labels))
    return torch.from_numpy(np.array(labels, dtype=np.float64).reshape(len(labels), -1)).to(dtype)


def to_device(
    images: np.ndarray, labels: np.ndarray, device: torch.device, dtype: torch.dtype = torch.float32
) -> DeviceArrays:
    """Put images and labels, (N,) or (N, D), on the device: those of bytes, (N, H, W) or (N, H, W, C), channels first.

    Other floats (N, ...) in the type asked for, whole numbers as int64, their values as they are.
    """
    kept = _targets(labels, dtype).to(device)
    if not are_pixels(images):
        given = torch.from_numpy(np.array(images, np.int64 if are_whole(images) else None, order="C"))
        given = given.to(device, None if are_whole(images) else dtype)
        return DeviceArrays(given, kept, dtype=dtype, as_given=True, targets=targets_of(labels))
    stacked = images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1)
    pixels = torch.from_numpy(np.array(stacked, order="C")).to(device)
    if pixels.numel() * dtype.itemsize <= FLOAT_BYTES_LIMIT:
        pixels = as_pixels(pixels, dtype)
    return DeviceArrays(pixels, kept, dtype=dtype, targets=targets_of(labels))
