"""Data sets of floats and whole numbers of any shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gridsearch.config.image_format import ImageFormat
from gridsearch.config.trial import Split
from gridsearch.data.copies import hashes_of
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.npz import load_npz, write_npz
from gridsearch.data.scaling import scaled_dataset
from gridsearch.data.splits import apply_split
from tests.data.refusals import refused

LABELS = np.arange(60) % 3
SHAPES = [(20,), (7, 9), (3, 5, 4), (2, 3, 4, 5)]
FLOATS = [np.float16, np.float32, np.float64]
WHOLE = [np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint32, np.uint64]


def drawn(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    return (np.random.default_rng(0).normal(size=(60, *shape)) * 40).astype(dtype)


def made(examples: npt.NDArray[Any], **more: Any) -> ImageDataset:
    return dataset_from_arrays("mine", {"train_images": examples, "train_labels": LABELS, **more}, source="my.npz")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", FLOATS + WHOLE)
def test_numbers_of_any_shape_come_back_from_a_file_as_they_are(tmp_path: Path, shape: Any, dtype: Any) -> None:
    examples = np.abs(drawn(shape, np.float64)).astype(dtype)
    np.savez(tmp_path / "mine.npz", x_train=examples, y_train=LABELS)
    dataset = load_npz(tmp_path / "mine.npz")
    assert dataset.image_shape == shape and not dataset.has_pixels
    assert dataset.train_images.dtype == dtype and np.array_equal(dataset.train_images, examples)
    assert dataset.values == (examples.min(), examples.max())
    assert dataset.whole == (None if dtype in FLOATS else (examples.min(), examples.max()))
    write_npz(tmp_path / "again.npz", dataset)
    assert load_npz(tmp_path / "again.npz").fingerprint == dataset.fingerprint


def test_bytes_are_pixels_where_they_have_the_shape_of_images() -> None:
    flat = np.arange(60 * 64, dtype=np.uint8).reshape(60, 64)
    assert made(flat).whole == (0, 255) and made(flat).image_shape == (64,)
    assert made(flat.reshape(60, 8, 8)).has_pixels and made(flat.reshape(60, 8, 8)).whole is None


def test_the_fingerprint_is_of_values_type_and_shape() -> None:
    examples = drawn((4, 5), np.float32)
    fingerprint = made(examples).fingerprint
    assert made(examples.astype(">f4")).fingerprint == made(np.asfortranarray(examples)).fingerprint == fingerprint
    changed = examples.copy()
    changed[-1, -1, -1] = np.nextafter(changed[-1, -1, -1], np.float32(9e9))
    others = [changed, examples.astype(np.float64), examples.reshape(60, 20)]
    assert len({fingerprint, *(made(other).fingerprint for other in others)}) == 4


def test_parts_of_numbers_are_split_as_images_are_and_copies_are_found() -> None:
    examples = drawn((20,), np.float64)
    examples[50:] = examples[:10]
    dataset = made(examples, test_images=examples[:3], test_labels=LABELS[:3])
    assert dataset.test_images.dtype == dataset.validation_images.dtype == np.float64
    assert dataset.validation_images.shape == (0, 20)
    assert dataset.first_of_each[50:60].tolist() == list(range(10)) and dataset.first_of_each[60] == 0
    parts = apply_split(dataset, Split(test=0.2, validation=0.2, deduplicate=True, stratify=True), 0)
    rows = {
        name: {row.tobytes() for row in getattr(parts, f"{name}_images")} for name in ("train", "validation", "test")
    }
    assert not rows["train"] & rows["test"] and not rows["train"] & rows["validation"]
    assert np.array_equal(parts.train_images, examples[parts.indices.train])
    assert len(np.unique(hashes_of(examples))) == 50


@pytest.mark.parametrize(
    ("examples", "fragments"),
    [
        (drawn((20,), np.longdouble), ["my.npz", "float128" if np.longdouble(0).itemsize == 16 else "", "np.float64"]),
        (drawn((20,), np.complex64), ["complex64", "real and imaginary"]),
        (drawn((20,), np.float64) > 0, ["bool", "np.float32"]),
        (drawn((20,), np.float64).astype(str), ["train_images is <U", "np.uint8", "np.int64"]),
        (drawn((20,), np.float64)[:, 0], ["(60,)", "train_images.reshape(-1, 1)"]),
        (drawn((0, 4), np.float64), ["(60, 0, 4)", "without numbers"]),
        (np.full((60, 2), 2**63, np.uint64), ["9223372036854775808", "int64"]),
    ],
)
def test_what_models_cannot_compute_with_is_refused(examples: Any, fragments: list[str]) -> None:
    with refused(*fragments):
        made(examples)


@pytest.mark.parametrize("dtype", FLOATS)
def test_numbers_that_are_not_finite_are_counted_and_the_first_is_named(tmp_path: Path, dtype: Any) -> None:
    examples = drawn((4, 5), dtype)
    examples[17, 2, 3] = np.inf
    one = "holds 1 value that is NaN or infinite, first inf at [17, 2, 3]; leave"
    with refused("my.npz: train_images", one):
        made(examples)
    examples[9, 0, 4], examples[40:, 1] = np.nan, -np.inf
    np.savez(tmp_path / "odd.npz", x_train=examples[:0], y_train=LABELS[:0])
    np.savez(tmp_path / "mine.npz", x_train=drawn((4, 5), dtype), y_train=LABELS, X_val=examples, y_val=LABELS)
    with refused(
        f"{tmp_path / 'mine.npz'}: X_val", "holds 102 values that are NaN or infinite, first nan at [9, 0, 4]"
    ):
        load_npz(tmp_path / "mine.npz")


def test_parts_of_two_types_or_shapes_are_refused() -> None:
    examples = drawn((4, 5), np.float32)
    with refused("test_images is float64 but train_images float32", "same type"):
        made(examples, test_images=examples.astype(np.float64), test_labels=LABELS)
    with refused("test_images are (5, 4) but train_images (4, 5)", "give both the same shape"):
        made(examples, test_images=examples.reshape(60, 5, 4), test_labels=LABELS)


def test_only_images_of_bytes_are_brought_to_a_size() -> None:
    with refused("image_size: is for images of bytes", "float32 of shape (8, 8)"):
        scaled_dataset(made(drawn((8, 8), np.float32)), ImageFormat(size=(8, 8)))
