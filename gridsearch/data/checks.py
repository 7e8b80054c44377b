"""What arrays must look like to be a data set; every refusal says which file, which array, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsearch.data.kinds import are_pixels
from gridsearch.errors import DataError
from gridsearch.quantities import counted

Array = npt.NDArray[Any]
#: Examples: images of bytes, or arrays of numbers (N, ...) of any shape.
Images = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

MIN_TRAIN_IMAGES = 2
CHANNEL_COUNTS = (1, 2, 3, 4)


#: The largest type, in bytes, that torch computes with.
LARGEST_NUMBER = 8


def checked_images(images: Array, key: str, source: str) -> Images:
    """Return examples unchanged if they are images of bytes, or numbers of any shape (N, ...).

    Images are uint8 (N, H, W) or (N, H, W, C); numbers float16, float32, float64 or of any integer type, finite, which
    are returned in the machine's byte order.

    Args:
        images: The array to check.
        key: Its name, for messages.
        source: Its file, for messages.

    Raises:
        DataError: Type, shape or values are others; the message says how to convert it.
    """
    if images.dtype.kind not in "fiu" or images.dtype.itemsize > LARGEST_NUMBER:
        raise DataError(f"{source}: {key} is {images.dtype}, neither floats nor whole numbers; {_conversion(images)}")
    if images.ndim < 2:
        raise DataError(f"{source}: {key} has shape {images.shape}, not (N, ...); save {key}.reshape(-1, 1) instead")
    if 0 in images.shape[1:]:
        what = "images without pixels" if are_pixels(images) else "examples without numbers"
        raise DataError(f"{source}: {key} has shape {images.shape}: {what}; save it again with some")
    if not are_pixels(images):
        _check_numbers(images, key, source)
        return np.ascontiguousarray(images, dtype=images.dtype.newbyteorder("="))
    if images.ndim == 4 and images.shape[1] in CHANNEL_COUNTS and images.shape[3] not in CHANNEL_COUNTS:
        raise DataError(
            f"{source}: {key} has shape {images.shape}, channels first; "
            f"save {key}.transpose(0, 2, 3, 1) instead, which is (N, H, W, C)"
        )
    return np.ascontiguousarray(images)


def _check_numbers(examples: Array, key: str, source: str) -> None:
    """Raise DataError for numbers that are not finite, and for whole ones that int64 does not hold."""
    if not examples.size:
        return
    low, high = examples.min(), examples.max()  # NaN is the lowest and the highest of whatever it is among
    if examples.dtype.kind != "f":
        if int(high) > np.iinfo(np.int64).max:
            raise DataError(f"{source}: {key} holds {high}, which int64 does not; save smaller numbers, or floats")
        return
    if np.isfinite(low) and np.isfinite(high):
        return
    odd = ~np.isfinite(examples)
    place = tuple(int(one) for one in np.unravel_index(int(odd.argmax()), odd.shape))
    count = int(odd.sum())
    values = f"{counted(count, 'value that is', 'values that are')} NaN or infinite"
    raise DataError(
        f"{source}: {key} holds {values}, first {examples[place]} at {list(place)}; leave those examples out, or fill"
        " in numbers"
    )


def checked_labels(labels: Array, key: str, source: str) -> Labels:
    """Return labels as int64 (N,).

    Args:
        labels: (N,) or (N, 1) of any integer type.
        key: The array's name, for messages.
        source: Its file, for messages.

    Raises:
        DataError: Type or shape is another, or a label is negative; the message says how to convert it.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        raise DataError(f"{source}: {key} has shape {labels.shape}{_columns(labels, key)}")
    if labels.ndim != 1:
        raise DataError(f"{source}: {key} has shape {labels.shape}, not (N,); save {key}.reshape(-1) instead")
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"{source}: {key} is {labels.dtype}, not whole class numbers 0..K-1; {_renumbering(labels, key)}"
        )
    whole = np.ascontiguousarray(labels, dtype=np.int64)
    if whole.size and int(whole.min()) < 0:
        raise DataError(
            f"{source}: {key} holds the label {int(whole.min())}; classes are 0..K-1, so renumber them: "
            f"np.unique(labels, return_inverse=True)[1]"
        )
    return whole


def check_pair(images: Images, labels: Labels, part: str, source: str) -> None:
    """Check that a part has one label for each image.

    Args:
        images: (N, H, W) or (N, H, W, C).
        labels: (N,).
        part: `train`, `test` or `validation`, for messages.
        source: The file, for messages.

    Raises:
        DataError: The numbers differ.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{source}: {part}_images holds {len(images)} images but {part}_labels {len(labels)} labels; "
            f"save one label for each image"
        )


def check_same_size(train: Images, other: Images, part: str, source: str) -> None:
    """Check that examples of another part have the shape and the type of the training examples.

    Raises:
        DataError: They differ.
    """
    if train.shape[1:] != other.shape[1:]:
        what = "height, width and channels" if are_pixels(train) else "shape"
        raise DataError(
            f"{source}: {part}_images are {other.shape[1:]} but train_images {train.shape[1:]}; "
            f"give both the same {what}"
        )
    if train.dtype != other.dtype:
        raise DataError(
            f"{source}: {part}_images is {other.dtype} but train_images {train.dtype}; save both in the same type"
        )


def check_classes(parts: Sequence[Labels], source: str) -> int:
    """Return the number of classes K.

    Args:
        parts: The labels of the training images, then those of the other parts.
        source: The file, for messages.

    Raises:
        DataError: The labels together are not exactly 0..K-1 with K >= 2, or there are too few training images. A class
            without any image is refused, as it nearly always means labels that start at 1.
    """
    if len(parts[0]) < MIN_TRAIN_IMAGES:
        raise DataError(
            f"{source}: train_images holds {len(parts[0])} images; training and validation need at least "
            f"{MIN_TRAIN_IMAGES}, so save more"
        )
    present = np.unique(np.concatenate(parts))
    if len(present) < 2:
        raise DataError(f"{source}: all labels are {int(present[0])}; a classifier needs at least 2 classes")
    expected = np.arange(len(present))
    if not np.array_equal(present, expected):
        missing = int(expected[present != expected][0])
        raise DataError(
            f"{source}: labels run up to {int(present[-1])} but class {missing} has no image; renumber "
            f"all of them as 0..{len(present) - 1}: np.unique(labels, return_inverse=True)[1]"
        )
    return len(present)


def _columns(labels: Array, key: str) -> str:
    """Say what labels of several columns may be, and the mend."""
    one_hot = labels.dtype.kind in "biuf" and (labels.astype(bool).sum(axis=1) == 1).all()
    if one_hot:
        return f", one-hot?; save {key}.argmax(axis=1) instead"
    return ": several labels for each image, and a classifier here learns one; save one class number for each"


def _conversion(images: Array) -> str:
    """Say how to turn examples of a type that is not taken into one that is."""
    if images.dtype == np.bool_:
        image = images.ndim in (3, 4)
        return f"save {'images.astype(np.uint8) * 255' if image else 'them as np.float32 (or int64)'} instead"
    if images.dtype.kind == "f":
        return "save them as np.float64 instead"
    if images.dtype.kind == "c":
        return "save real and imaginary parts as numbers of their own"
    return "save images as np.uint8, other numbers as np.float32 or, for embeddings, np.int64"


def _renumbering(labels: Array, key: str) -> str:
    """Say how to turn labels of another type into class numbers."""
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.round(labels)).all():
        return f"save {key}.astype(np.int64) instead"
    return f"save np.unique({key}, return_inverse=True)[1] instead (and the names as class_names)"
