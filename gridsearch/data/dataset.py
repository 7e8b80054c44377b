"""A data set as arrays, and the fingerprint that identifies its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsearch.data.checks import (
    Array,
    Images,
    Labels,
    check_pair,
    check_same_size,
    checked_images,
)
from gridsearch.data.copies import Hashes, first_of_each, hashes_of
from gridsearch.data.kinds import are_pixels, are_whole
from gridsearch.data.targets import Targets, checked_targets, outputs_of, targets_of
from gridsearch.errors import DataError

ARRAY_KEYS = ("train_images", "train_labels", "test_images", "test_labels")
#: Only data sets that bring validation images have these, and only then they are in the fingerprint.
VALIDATION_KEYS = ("validation_images", "validation_labels")
#: The parts in the order in which the images of a data set are counted.
PARTS = ("train", "test", "validation")


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images, or other examples, with labels, as in the canonical file. Build one with `dataset_from_arrays`.

    Two data sets are the same if their fingerprints are.

    Attributes:
        name: What the job calls it.
        train_images: uint8 (N, H, W) or (N, H, W, C), 0..255; or floats or whole numbers of any shape (N, ...).
        train_labels: int64 (N,), 0..K-1; or uint8 (N, K), 0 or 1 for each of K classes; or floats (N,) or (N, D).
        test_images: Likewise, of the same type and shape, with N = 0 if the data set has no test images of its own.
        test_labels: Their labels.
        validation_images: Likewise, with N = 0 if the data set has no validation images of its own.
        validation_labels: Their labels.
        class_names: The names of the K classes, or of the D numbers.
        fingerprint: The SHA-256 of the content in hexadecimal; it depends on no path or name.
        source: Where it came from, for messages.
        notes: Lines about what was left out or changed while reading it.
    """

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    validation_images: Images
    validation_labels: Labels
    class_names: tuple[str, ...]
    fingerprint: str
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise DataError when the arrays do not fit each other."""
        source = self.source or self.name
        for part, images, labels in zip(PARTS, self.images, self.labels, strict=True):
            checked_images(images, f"{part}_images", source)
            if checked_targets(labels, f"{part}_labels", source).dtype != labels.dtype:
                raise DataError(f"{source}: {part}_labels is {labels.dtype}, not int64; use dataset_from_arrays")
            check_pair(images, labels, part, source)
            check_same_size(self.train_images, images, part, source)
        classes = outputs_of(self.labels, source)
        if len(self.class_names) != classes:
            raise DataError(
                f"{source}: class_names holds {len(self.class_names)} names for {classes} classes; "
                f"save one name for each class, or none"
            )

    @property
    def images(self) -> tuple[Images, Images, Images]:
        """The images of each of `PARTS`. Image i of the data set is the i-th of these, one part after another."""
        return self.train_images, self.test_images, self.validation_images

    @property
    def labels(self) -> tuple[Labels, Labels, Labels]:
        """The labels of each of `PARTS`."""
        return self.train_labels, self.test_labels, self.validation_labels

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one example as a model sees it: of images (C, H, W), with C = 1 for grey ones of bytes."""
        if not self.has_pixels:
            return self.train_images.shape[1:]
        height, width, *channels = self.train_images.shape[1:]
        return (channels[0] if channels else 1, height, width)

    @property
    def nbytes(self) -> int:
        """How many bytes its arrays take."""
        return sum(part.nbytes for part in (*self.images, *self.labels))

    @property
    def has_pixels(self) -> bool:
        """Whether it is of images of bytes, which models see in [0, 1]; other numbers they see as they are."""
        return are_pixels(self.train_images)

    def require_pixels(self, wanted: str) -> None:
        """Raise DataError where this is of other data than images of bytes, which `wanted` is for."""
        if not self.has_pixels:
            kind, shape = self.train_images.dtype, self.train_images.shape[1:]
            raise DataError(f"{wanted} is for images of bytes, and {self.name} holds {kind} of shape {shape}")

    @cached_property
    def values(self) -> tuple[float, float]:
        """The lowest and the highest number of all examples; of whole ones int, of others float."""
        lows, highs = zip(*((part.min().item(), part.max().item()) for part in self.images if part.size), strict=True)
        return min(lows), max(highs)

    @property
    def whole(self) -> tuple[int, int] | None:
        """The lowest and the highest of whole numbers that models see as such; None for pixels and floats."""
        if not are_whole(self.train_images):
            return None
        low, high = self.values
        return int(low), int(high)

    @cached_property
    def image_hashes(self) -> Hashes:
        """A hash (N,) of the pixels of each image, in the order of `images`; see `hashes_of`."""
        return np.concatenate([hashes_of(images) for images in self.images])

    @cached_property
    def first_of_each(self) -> Labels:
        """For each image the place of the first with the same pixels (N,), counted as for `image_hashes`."""
        return first_of_each(self.image_hashes, self.images)

    @property
    def num_classes(self) -> int:
        """The number of classes K, the largest label of all parts plus one; or of the numbers D to predict."""
        return len(self.class_names)

    @property
    def targets(self) -> Targets:
        """What models are to predict."""
        return targets_of(self.train_labels)


def dataset_from_arrays(
    name: str,
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    class_names: Sequence[str] | None = None,
    fingerprint: str | None = None,
    source: str = "",
    notes: Sequence[str] = (),
) -> ImageDataset:
    """Check arrays and return them as a data set.

    Args:
        name: What the job calls it.
        arrays: `train_images`, `train_labels` and, optionally, `test_*` and `validation_*`. Labels may be of any
            integer type, (N,) or (N, 1), or as `checked_targets` takes them.
        class_names: The names of the classes; by default "0", "1", ...
        fingerprint: The fingerprint if it is known; otherwise it is computed.
        source: Where the arrays come from, for messages; by default the name.
        notes: Lines about what was left out or changed while reading them.

    Raises:
        DataError: An array does not fit; the message names `source` and the array.
    """
    source = source or name
    _refuse_half_a_part(arrays, source)
    canonical = _canonical(arrays, source)
    classes = outputs_of([canonical[f"{part}_labels"] for part in PARTS], source)
    return ImageDataset(
        name=name,
        **canonical,
        class_names=tuple(map(str, range(classes))) if class_names is None else tuple(class_names),
        fingerprint=fingerprint or fingerprint_of(canonical),
        source=source,
        notes=tuple(notes),
    )


def fingerprint_of(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of names, types, shapes and little-endian bytes of the arrays, hexadecimal.

    Validation arrays are among them where there are validation images.
    """
    digest = hashlib.sha256()
    brings_validation = VALIDATION_KEYS[1] in arrays and len(arrays[VALIDATION_KEYS[1]])
    for key in (*ARRAY_KEYS, *VALIDATION_KEYS) if brings_validation else ARRAY_KEYS:
        array = np.ascontiguousarray(arrays[key])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        shape = "x".join(str(length) for length in array.shape)
        digest.update(f"{key} {array.dtype.str} {shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _canonical(arrays: Mapping[str, Array], source: str) -> dict[str, Array]:
    """Return the arrays of all parts, each checked; absent ones become empty ones of the right shape."""
    found: dict[str, Array] = {}
    for part in PARTS:
        images, labels = f"{part}_images", f"{part}_labels"
        if part != "train" and (images not in arrays or arrays[images].size == arrays[labels].size == 0):
            found[images] = found["train_images"][:0]
            found[labels] = found["train_labels"][:0]
            continue
        found[images] = checked_images(arrays[images], images, source)
        found[labels] = checked_targets(arrays[labels], labels, source)
    return found


def _refuse_half_a_part(arrays: Mapping[str, Array], source: str) -> None:
    for part in PARTS:
        missing = [key for key in (f"{part}_images", f"{part}_labels") if key not in arrays]
        if missing and (part == "train" or len(missing) == 1):
            have = ", ".join(sorted(arrays)) or "none"
            raise DataError(f"{source}: no array {missing[0]} (arrays: {have}); save it under this name")
