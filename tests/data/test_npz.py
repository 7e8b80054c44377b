from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsearch.data.dataset import ImageDataset
from gridsearch.data.npz import load_npz, write_npz
from gridsearch.errors import DataError
from tests.data.refusals import refused


def arrays_of(dataset: ImageDataset) -> dict[str, Any]:
    """Return the digits, a sixth of them set aside as test images."""
    images, labels = dataset.train_images, dataset.train_labels
    return {
        "train_images": images[:1500],
        "train_labels": labels[:1500],
        "test_images": images[1500:],
        "test_labels": labels[1500:],
    }


def saved(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def test_what_is_written_comes_back(mnist: ImageDataset, tmp_path: Path) -> None:
    path = tmp_path / "copy.npz"
    write_npz(path, mnist)
    again = load_npz(path)
    assert again.fingerprint == mnist.fingerprint
    assert again.class_names == mnist.class_names
    assert (again.name, again.source) == ("copy", str(path))
    assert np.array_equal(again.test_images, mnist.test_images)
    assert {file.suffix for file in tmp_path.iterdir()} <= {".npz", ".fingerprint"}


def test_train_arrays_are_enough_and_others_are_passed_over(digits: ImageDataset, tmp_path: Path) -> None:
    arrays = {"train_images": digits.train_images, "train_labels": digits.train_labels.astype(np.uint8)}
    path = saved(tmp_path / "mine.npz", arrays | {"notes": np.array("hand-drawn"), "train_weights": np.ones(3)})
    dataset = load_npz(path)
    assert dataset.fingerprint == digits.fingerprint
    assert dataset.train_labels.dtype == np.int64
    assert dataset.class_names == tuple("0123456789")
    assert dataset.notes == ("arrays of mine.npz that are not used: notes, train_weights",)


@pytest.mark.parametrize(
    "names",
    [
        ["train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"],
        ["x_train", "y_train", "x_valid", "y_valid", "X_test", "y_test"],
        ["training_images", "training_labels", "dev_images", "dev_labels", "testing_images", "testing_labels"],
    ],
)
def test_usual_names_of_arrays(digits: ImageDataset, tmp_path: Path, names: list[str]) -> None:
    images, labels = digits.train_images, digits.train_labels[:, None]  # a column, as MedMNIST has them
    parts = [slice(0, 1500), slice(1500, 1600), slice(1600, 1797)]
    arrays = {name: (labels if place % 2 else images)[parts[place // 2]] for place, name in enumerate(names)}
    dataset = load_npz(saved(tmp_path / "mine.npz", arrays))
    assert [len(part) for part in dataset.labels] == [1500, 197, 100]
    assert np.array_equal(dataset.validation_images, images[1500:1600])
    assert np.array_equal(dataset.test_labels, labels[1600:, 0])
    assert dataset.notes == ()
    write_npz(tmp_path / "again.npz", dataset)
    assert load_npz(tmp_path / "again.npz").fingerprint == dataset.fingerprint
    with refused("val_images and valid_images are both validation_images"):
        load_npz(saved(tmp_path / "two.npz", arrays_of(digits) | {"val_images": images, "valid_images": images}))


def test_a_compressed_file_is_the_same_data_set(digits: ImageDataset, tmp_path: Path) -> None:
    arrays = {"train_images": digits.train_images, "train_labels": digits.train_labels}
    np.savez_compressed(tmp_path / "small.npz", **arrays)
    assert load_npz(tmp_path / "small.npz").fingerprint == digits.fingerprint


def test_class_names_of_the_file_win_over_those_offered(digits: ImageDataset, tmp_path: Path) -> None:
    names = [f"digit {label}" for label in range(10)]
    bare = saved(tmp_path / "bare.npz", arrays_of(digits))
    named = saved(tmp_path / "named.npz", arrays_of(digits) | {"class_names": np.array(names)})
    assert load_npz(named, class_names=list("abcdefghij")).class_names == tuple(names)
    assert load_npz(bare, class_names=list("abcdefghij")).class_names == tuple("abcdefghij")
    assert load_npz(bare, class_names=["too", "few"]).class_names == tuple("0123456789")
    assert load_npz(bare).fingerprint == load_npz(named).fingerprint


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        ({"train_images": None, "train_image": np.zeros(1)}, ["no array train_images", "'train_image'"]),
        ({"train_labels": None, "y": np.zeros(1)}, ["no array train_labels", "it holds: y", "np.savez"]),
        ({"train_labels": None}, ["no array train_labels", "save it under this name"]),
        ({"test_labels": None}, ["no array test_labels", "save it under this name"]),
        (
            {"train_images": np.array([b"one", None, 3], object)},
            ["train_images", "Python objects", "never loaded"],
        ),
        ({"train_labels": np.array([[1], [2, 3]], object)}, ["train_labels", "Python objects", "save it as"]),
        ({"class_names": np.arange(10)}, ["class_names is int64", "np.array(["]),
        ({"class_names": np.array(["a", "b"])}, ["class_names holds 2 names for 10 classes"]),
        ({"train_images": np.zeros((5, 8, 8), bool)}, ["train_images is bool", "* 255"]),
        ({"train_labels": np.full(1500, -1)}, ["label -1", "np.unique"]),
        ({"train_labels": np.arange(1500) * 2}, ["up to 2998", "class 11 has no image", "np.unique"]),
    ],
)
def test_files_that_hold_something_else(
    digits: ImageDataset, tmp_path: Path, change: dict[str, Any], fragments: list[str]
) -> None:
    arrays = {key: array for key, array in (arrays_of(digits) | change).items() if array is not None}
    path = saved(tmp_path / "mine.npz", arrays)
    with refused(str(path), *fragments):
        load_npz(path)


def test_no_such_file(tmp_path: Path) -> None:
    with refused(str(tmp_path / "no.npz"), "no such file", "train_images uint8 (N, H, W[, C])"):
        load_npz(tmp_path / "no.npz")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with refused(str(tmp_path), "is a folder"):
        load_npz(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" * 9, b"train_images,train_labels\n"])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with refused(str(path), "not an .npz file", "np.savez"):
        load_npz(path)


def test_a_single_array_or_a_pickle_is_of_another_kind(digits: ImageDataset, tmp_path: Path) -> None:
    for allow_pickle, array in ((False, digits.train_images), (True, np.array([{}], object))):
        with (tmp_path / "mine.npz").open("wb") as stream:
            np.save(stream, array, allow_pickle=allow_pickle)
        with refused(str(tmp_path / "mine.npz"), "not an .npz file"):
            load_npz(tmp_path / "mine.npz")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images", b"text")
        archive.writestr("train_labels", b"text")
    with refused(str(path), "train_images is not an array"):
        load_npz(path)
    with zipfile.ZipFile(path, "w"):
        pass
    with refused(str(path), "no array train_images"):
        load_npz(path)


def test_a_truncated_file(digits: ImageDataset, tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.npz", arrays_of(digits))
    path.write_bytes(path.read_bytes()[:-1000])
    with refused(str(path), "cut short"):
        load_npz(path)


def test_a_flipped_byte_among_the_pixels(digits: ImageDataset, tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.npz", arrays_of(digits))
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.write_bytes(content)
    with refused(str(path), "CRC", "download or write it again"):
        load_npz(path)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_is_ever_anything_but_a_refusal(digits: ImageDataset, tmp_path: Path, data: Any) -> None:
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, train_images=digits.train_images[:20], train_labels=digits.train_labels[:20])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    try:
        dataset = load_npz(path)
    except DataError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert np.array_equal(dataset.train_images, digits.train_images[:20])
        assert np.array_equal(dataset.train_labels, digits.train_labels[:20])


def test_a_write_that_fails_leaves_the_old_file_alone(digits: ImageDataset, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    write_npz(path, digits)
    before = path.read_bytes()
    broken = ImageDataset.__new__(ImageDataset)
    with pytest.raises(AttributeError):
        write_npz(path, broken)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mine.npz"]


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ("val_images", "val_labels"),
        ("valid_labels", "valid_images"),
        ("testing_images", "testing_labels"),
        ("x_val", "y_val"),
        ("Y_test", "X_test"),
    ],
)
def test_what_is_missing_is_called_as_the_file_spells_it(
    digits: ImageDataset, tmp_path: Path, present: str, wanted: str
) -> None:
    train = {"train_images": digits.train_images, "train_labels": digits.train_labels}
    path = saved(tmp_path / "mine.npz", train | {present: digits.train_images})
    with refused(f"{path}: no array {wanted} beside {present}; save it under this name: np.savez(path, {wanted}=...)"):
        load_npz(path)


def test_what_is_wrong_is_called_as_the_file_spells_it(digits: ImageDataset, tmp_path: Path) -> None:
    images, labels = digits.train_images, digits.train_labels
    folder = tmp_path / "train_images"
    folder.mkdir()
    path = saved(folder / "mine.npz", {"x_train": images})
    with refused(f"{path}: no array y_train beside x_train"):
        load_npz(path)
    for arrays, message in [
        ({"x_train": images, "y_train": labels[:-1]}, "x_train holds 1797 images but y_train 1796 labels"),
        ({"x_train": images > 128, "y_train": labels}, "x_train is bool"),
    ]:
        with refused(f"{saved(path, arrays)}: {message}"):
            load_npz(path)
    eval_too = {"x_train": images, "y_train": labels, "eval_images": images[:5], "eval_labels": labels[:5]}
    assert load_npz(saved(path, eval_too)).notes == (
        "arrays of mine.npz that are not used: eval_images, eval_labels (if they are a part of the data, rename"
        " eval_images to val_images, eval_labels to val_labels)",
    )
