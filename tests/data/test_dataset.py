from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridsearch.data.dataset import ARRAY_KEYS, ImageDataset, dataset_from_arrays, fingerprint_of
from tests.data.refusals import refused


def arrays_of(dataset: ImageDataset, **changes: Any) -> dict[str, Any]:
    return {key: getattr(dataset, key) for key in ARRAY_KEYS} | changes


def test_shape_and_classes(digits: ImageDataset, mnist: ImageDataset, cifar10: ImageDataset) -> None:
    assert digits.image_shape == (1, 8, 8)
    assert mnist.image_shape == (1, 28, 28)
    assert cifar10.image_shape == (3, 32, 32)
    assert digits.num_classes == mnist.num_classes == cifar10.num_classes == 10
    assert len(mnist.train_images) == 60_000
    assert len(mnist.test_images) == 10_000
    assert cifar10.class_names[3] == "cat"


def test_fingerprints_of_known_data_never_change(digits: ImageDataset, mnist: ImageDataset) -> None:
    # Trials are identified by these: another value would orphan every result there is.
    assert digits.fingerprint == "358d269075af8aca3ddbf15ff43b7d56ca0ebca260c837f5e8a52d383b84c60a"
    assert mnist.fingerprint == "3b15c9f70a906423ab2804160487650b4976ec0a230a305cd407995b9e9ccf8c"


def test_fingerprint_is_of_the_content_alone(digits: ImageDataset) -> None:
    again = dataset_from_arrays("other", arrays_of(digits), class_names=list("abcdefghij"), source="elsewhere")
    assert again.fingerprint == digits.fingerprint
    narrow = arrays_of(digits, train_labels=digits.train_labels.astype(np.uint8))
    assert dataset_from_arrays("narrow", narrow).fingerprint == digits.fingerprint
    swapped = arrays_of(digits, train_labels=digits.train_labels.astype(">i4"))
    assert dataset_from_arrays("swapped", swapped).fingerprint == digits.fingerprint
    fortran = arrays_of(digits, train_images=np.asfortranarray(digits.train_images))
    assert dataset_from_arrays("fortran", fortran).fingerprint == digits.fingerprint


@pytest.mark.parametrize("key", ["train_images", "train_labels"])
def test_fingerprint_sees_every_array(digits: ImageDataset, key: str) -> None:
    changed = getattr(digits, key).copy()
    changed.reshape(-1)[-1] ^= 1
    assert fingerprint_of(arrays_of(digits, **{key: changed})) != digits.fingerprint


def test_fingerprint_sees_shape_and_the_border_between_train_and_test(digits: ImageDataset) -> None:
    flat = arrays_of(digits, train_images=digits.train_images.reshape(-1, 4, 16))
    assert fingerprint_of(flat) != digits.fingerprint
    images, labels = digits.train_images, digits.train_labels
    parts = [
        {"train_images": images[:n], "train_labels": labels[:n]}
        | {"test_images": images[n:], "test_labels": labels[n:]}
        for n in (1000, 1001)
    ]
    assert fingerprint_of(parts[0]) != fingerprint_of(parts[1])


def test_absent_and_empty_test_arrays_are_the_same(digits: ImageDataset) -> None:
    train = {key: getattr(digits, key) for key in ("train_images", "train_labels")}
    empty = train | {"test_images": np.zeros((0,), np.float64), "test_labels": np.zeros((0, 1))}
    assert dataset_from_arrays("absent", train).fingerprint == digits.fingerprint
    assert dataset_from_arrays("empty", empty).fingerprint == digits.fingerprint
    assert dataset_from_arrays("empty", empty).test_images.shape == (0, 8, 8)


def test_colour_images_keep_their_channels(cifar10: ImageDataset) -> None:
    assert cifar10.train_images.shape == (50_000, 32, 32, 3)
    grey = arrays_of(cifar10)
    grey["train_images"], grey["test_images"] = cifar10.train_images[..., :1], cifar10.test_images[..., :1]
    assert dataset_from_arrays("grey", grey).image_shape == (1, 32, 32)


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda a: {"train_images": a["train_images"] > 128}, ["bool", "* 255"]),
        (lambda a: {"train_images": a["train_images"].astype(str)}, ["images as np.uint8"]),
        (lambda a: {"train_images": a["train_images"][:, :0]}, ["(1797, 0, 8)", "without pixels"]),
        (lambda a: {"train_images": a["train_images"][:, None]}, ["channels first", "transpose(0, 2, 3, 1)"]),
        (lambda a: {"train_images": a["train_images"][:-1]}, ["1796 images", "1797 labels"]),
        (lambda a: {"train_labels": a["train_labels"].astype(str)}, ["np.unique", "class_names"]),
        (lambda a: {"train_labels": a["train_labels"][:, None, None]}, ["(1797, 1, 1)", "reshape(-1)"]),
        (lambda a: {"train_labels": np.full((1797, 14), 2)}, ["(1797, 14)", "several labels for each image"]),
        (lambda a: {"train_labels": a["train_labels"] - 1}, ["label -1", "np.unique"]),
        (
            lambda a: {"train_labels": a["train_labels"] + 1},
            ["up to 10", "class 0 has no image", "np.unique"],
        ),
        (lambda a: {"train_labels": a["train_labels"] * 10**15}, ["class 1 has no image"]),
        (lambda a: {"train_labels": a["train_labels"] * 0}, ["all labels are 0", "2 classes"]),
        (lambda a: {k: v[:1] for k, v in a.items()}, ["1 images", "at least 2"]),
        (lambda a: {k: v[:0] for k, v in a.items()}, ["0 images", "at least 2"]),
        (lambda a: {"test_images": a["train_images"]}, ["test_images", "one label for each image"]),
        (
            lambda a: {"test_images": a["train_images"][:, :4], "test_labels": a["train_labels"]},
            ["(4, 8)", "(8, 8)", "same height"],
        ),
    ],
)
def test_what_is_no_data_set_is_refused(digits: ImageDataset, change: Any, fragments: list[str]) -> None:
    arrays = arrays_of(digits)
    with refused("my.npz", *fragments):
        dataset_from_arrays("mine", arrays | change(arrays), source="my.npz")


def test_a_missing_array_is_named(digits: ImageDataset) -> None:
    arrays = arrays_of(digits)
    del arrays["test_labels"]
    with refused("mine", "no array test_labels"):
        dataset_from_arrays("mine", arrays)


def test_wrong_number_of_class_names(digits: ImageDataset) -> None:
    with refused("mine", "3 names for 10 classes", "one name for each class"):
        dataset_from_arrays("mine", arrays_of(digits), class_names=["a", "b", "c"])


def test_the_record_itself_checks(digits: ImageDataset) -> None:
    with refused("digits", "train_labels is int32"):
        replace(digits, train_labels=digits.train_labels.astype(np.int32))
    with refused("digits", "1000 labels"):
        replace(digits, train_labels=digits.train_labels[:1000])


def test_labels_of_one_column_are_labels(digits: ImageDataset) -> None:
    column = arrays_of(digits, train_labels=digits.train_labels[:, None])
    assert dataset_from_arrays("medmnist's way", column).fingerprint == digits.fingerprint


def test_validation_images_are_in_the_fingerprint_where_there_are_any(digits: ImageDataset) -> None:
    own = {"validation_images": digits.train_images[:50], "validation_labels": digits.train_labels[:50]}
    brought = dataset_from_arrays("own", arrays_of(digits) | own)
    assert brought.validation_images.shape == (50, 8, 8)
    assert brought.fingerprint == fingerprint_of(arrays_of(digits) | own) != digits.fingerprint
    other = own | {"validation_labels": np.flip(own["validation_labels"])}
    assert fingerprint_of(arrays_of(digits) | other) != brought.fingerprint
    none = {key: array[:0] for key, array in own.items()}
    assert dataset_from_arrays("none", arrays_of(digits) | none).fingerprint == digits.fingerprint


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        ({"validation_labels": None}, ["no array validation_labels"]),
        ({"validation_images": np.zeros((50, 9, 9), np.uint8)}, ["validation_images are (9, 9)", "(8, 8)"]),
        ({"validation_labels": np.zeros(49, int)}, ["50 images", "49 labels"]),
        ({"validation_labels": np.full(50, 11)}, ["class 10 has no image"]),
    ],
)
def test_validation_images_that_do_not_fit(digits: ImageDataset, change: dict[str, Any], fragments: list[str]) -> None:
    own = {"validation_images": digits.train_images[:50], "validation_labels": digits.train_labels[:50]}
    arrays = {key: array for key, array in (arrays_of(digits) | own | change).items() if array is not None}
    with refused("mine", *fragments):
        dataset_from_arrays("mine", arrays)
