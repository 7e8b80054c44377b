"""Labels that are no classes: numbers to predict, and several labels of 0 and 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridsearch.config.trial import Split
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.splits import apply_split
from gridsearch.errors import DataError
from tests.data.refusals import refused

EXAMPLES = np.arange(60, dtype=np.float32).reshape(20, 3)


def dataset(labels: Any, **more: Any) -> ImageDataset:
    return dataset_from_arrays("own", {"train_images": EXAMPLES, "train_labels": labels, **more}, source="own.npz")


@pytest.mark.parametrize(
    ("labels", "targets", "outputs", "kept"),
    [
        (np.linspace(-1, 1, 20), "numbers", 1, np.float64),
        (np.linspace(-1, 1, 20, dtype=np.float32)[:, None], "numbers", 1, np.float32),
        (np.linspace(-1, 1, 40, dtype=">f4").reshape(20, 2), "numbers", 2, np.float32),
        (np.arange(60).reshape(20, 3) % 2, "indicators", 3, np.uint8),
        (np.arange(60).reshape(20, 3) % 2 == 0, "indicators", 3, np.uint8),
        (np.arange(20) % 4, "classes", 4, np.int64),
    ],
)
def test_the_type_and_the_shape_of_labels_tell_what_is_predicted(
    labels: Any, targets: str, outputs: int, kept: Any
) -> None:
    made = dataset(labels)
    assert (made.targets, made.num_classes, len(made.class_names)) == (targets, outputs, outputs)
    assert made.train_labels.dtype == kept
    np.testing.assert_array_equal(made.train_labels, labels.reshape(made.train_labels.shape))
    # Parts keep them row by row.
    parts = apply_split(made, Split(validation=0.25), 0)
    np.testing.assert_array_equal(parts.validation_labels, made.train_labels[parts.indices.validation])


def test_labels_are_part_of_the_content() -> None:
    labels = np.linspace(0, 1, 20)
    assert dataset(labels).fingerprint == dataset(labels.copy()).fingerprint
    assert len({dataset(given).fingerprint for given in (labels, labels + 1, labels.astype(np.float32))}) == 3


def with_one(value: float) -> Any:
    labels = np.linspace(0, 1, 20)
    labels[7] = value
    return labels


@pytest.mark.parametrize(
    ("make", "fragments"),
    [
        (lambda: with_one(np.nan), ["1 target", "NaN", "[7]"]),
        (lambda: with_one(np.inf), ["infinite", "[7]"]),
        (lambda: np.arange(40).reshape(20, 2), ["(20, 2)", "holds 2", "0 or 1", "astype(np.float32)"]),
        (lambda: np.zeros((20, 2, 2)), ["(20, 2, 2)"]),
    ],
)
def test_what_nothing_can_be_made_of_is_refused(make: Callable[[], Any], fragments: list[str]) -> None:
    with refused("own.npz", "train_labels", *fragments):
        dataset(make())


def test_parts_predict_the_same() -> None:
    with refused("own.npz", "float64", "int64", "same type"):
        dataset(np.linspace(0, 1, 20), test_images=EXAMPLES, test_labels=np.arange(20) % 2)


def test_there_are_no_proportions_of_numbers_to_keep() -> None:
    with pytest.raises(DataError, match="no classes"):
        apply_split(dataset(np.linspace(0, 1, 20)), Split(stratify=True), 0)
