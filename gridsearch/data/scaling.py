"""Images brought to the size that a job asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridsearch.config.image_format import ImageFormat
from gridsearch.data.checks import Images
from gridsearch.data.dataset import PARTS, ImageDataset, dataset_from_arrays
from gridsearch.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


def scaled(image: Image, image_format: ImageFormat) -> Image:
    """Return an image, grey or RGB, in the size asked for, bilinear and without aliasing; itself where it has it."""
    if image_format.size is None or image.size == image_format.size[::-1]:
        return image
    from PIL import ImageOps
    from PIL.Image import Resampling

    size, method = image_format.size[::-1], Resampling.BILINEAR
    if image_format.resize == "stretch":
        return image.resize(size, method)
    if image_format.resize == "crop":
        return ImageOps.fit(image, size, method)
    return ImageOps.pad(image, size, method, color=image_format.background)


def scaled_dataset(dataset: ImageDataset, image_format: ImageFormat) -> ImageDataset:
    """Return a data set with its images in the size asked for; itself where they have it."""
    before = dataset.train_images.shape[1:3]
    if image_format.size is None or (dataset.has_pixels and before == image_format.size):
        return dataset
    if not dataset.has_pixels:
        raise DataError(
            f"is for images of bytes, and {dataset.name} holds {dataset.train_images.dtype} of shape"
            f" {dataset.train_images.shape[1:]}; leave it out, or save images as np.uint8 (N, H, W[, C])",
            key=("image_size",),
        )
    arrays = {
        f"{part}_images": _scaled(images, image_format) for part, images in zip(PARTS, dataset.images, strict=True)
    }
    arrays |= {f"{part}_labels": labels for part, labels in zip(PARTS, dataset.labels, strict=True)}
    after = f"{size_text(image_format.size)} {unit_text(before, image_format.size)}, resize: {image_format.resize}"
    note = f"images of {size_text(before)} are brought to {after}"
    return dataset_from_arrays(
        dataset.name, arrays, class_names=dataset.class_names, source=dataset.source, notes=[*dataset.notes, note]
    )


def size_text(size: tuple[int, ...]) -> str:
    """Return a size (H, W) as it is written, height first."""
    return f"{size[0]} x {size[1]}"


def unit_text(*sizes: tuple[int, ...]) -> str:
    """Return what follows sizes (H, W) in a sentence: their unit, and their order where that could be misread.

    >>> unit_text((28, 28)), unit_text((28, 28), (30, 40))
    ('pixels', 'pixels (height x width)')
    """
    return "pixels (height x width)" if any(height != width for height, width in sizes) else "pixels"


def _scaled(images: Images, image_format: ImageFormat) -> Images:
    """Return images (N, H, W[, C]) in the size asked for, channel by channel, which may mean anything."""
    from PIL import Image

    assert image_format.size is not None
    rest = images.shape[3:]
    planes = images.reshape(*images.shape[:3], *(rest or (1,)))
    found = np.empty((len(images), *image_format.size, planes.shape[3]), np.uint8)
    for row, place in np.ndindex(len(images), planes.shape[3]):
        plane = Image.fromarray(np.ascontiguousarray(planes[row, :, :, place]))
        found[row, :, :, place] = np.asarray(scaled(plane, image_format))
    return found.reshape(len(images), *image_format.size, *rest)
