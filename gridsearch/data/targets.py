"""What models are to predict, told by the type and the shape of the labels: a class, several of 0 and 1, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gridsearch.data.checks import MIN_TRAIN_IMAGES, Array, check_classes, checked_labels
from gridsearch.errors import DataError
from gridsearch.quantities import counted

#: `classes` int64 (N,), 0..K-1; `indicators` uint8 (N, K), 0 or 1; `numbers` floats (N,) or (N, D).
Targets = Literal["classes", "indicators", "numbers"]


def targets_of(labels: Array) -> Targets:
    """Return what labels, checked by `checked_targets`, are.

    >>> targets_of(np.zeros((2, 3), np.uint8))
    'indicators'
    """
    if labels.dtype.kind == "f":
        return "numbers"
    return "classes" if labels.ndim == 1 else "indicators"


def checked_targets(labels: Array, key: str, source: str) -> Array:
    """Return classes as int64 (N,), rows of 0 and 1 as uint8 (N, K), floats (N,) or (N, D) as they are.

    Args:
        labels: The array to check; of one column (N, 1) it is taken as (N,).
        key: Its name, for messages.
        source: Its file, for messages.

    Raises:
        DataError: Type, shape or values are others; the message says how to convert it.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind == "f" and labels.dtype.itemsize <= 8 and labels.ndim in (1, 2):
        return _checked_numbers(labels, key, source)
    if labels.dtype.kind in "biu" and labels.ndim == 2 and labels.shape[1]:
        return _checked_indicators(labels, key, source)
    return checked_labels(labels, key, source)


def outputs_of(parts: Sequence[Array], source: str) -> int:
    """Return how many outputs a model has: of classes how many there are, of rows their length, else 1.

    Raises:
        DataError: There are too few training examples, parts are of several kinds, or labels are not 0..K-1.
    """
    train = parts[0]
    for part in parts[1:]:
        if len(part) and (targets_of(part), part.shape[1:]) != (targets_of(train), train.shape[1:]):
            raise DataError(
                f"{source}: the labels of the parts are {train.dtype} {train.shape} and {part.dtype} {part.shape};"
                " give all the same type and shape"
            )
    if targets_of(train) == "classes":
        return check_classes([part for part in parts if len(part)] or list(parts), source)
    if len(train) < MIN_TRAIN_IMAGES:
        raise DataError(
            f"{source}: train_images holds {len(train)} examples; training and validation need at least"
            f" {MIN_TRAIN_IMAGES}, so save more"
        )
    return train.shape[1] if train.ndim == 2 else 1


def _checked_numbers(labels: Array, key: str, source: str) -> Array:
    odd = ~np.isfinite(labels)
    if odd.any():
        place = tuple(int(one) for one in np.unravel_index(int(odd.argmax()), odd.shape))
        count = int(odd.sum())
        values = f"{counted(count, 'target that is', 'targets that are')} NaN or infinite"
        raise DataError(
            f"{source}: {key} holds {values}, first {labels[place]} at {list(place)}; leave those examples out"
        )
    return np.ascontiguousarray(labels, dtype=labels.dtype.newbyteorder("="))


def _checked_indicators(labels: Array, key: str, source: str) -> Array:
    odd = (labels != 0) & (labels != 1)
    if odd.any():
        value = labels[tuple(int(one) for one in np.unravel_index(int(odd.argmax()), odd.shape))]
        raise DataError(
            f"{source}: {key} has shape {labels.shape} and holds {value}: several labels for each image are 0 or 1;"
            f" save numbers to predict as floats, {key}.astype(np.float32), or one class number for each image"
        )
    return np.ascontiguousarray(labels, dtype=np.uint8)
