"""Sets of torchvision by their classes, read from files that are written here in their formats."""

from __future__ import annotations

import hashlib
import pickle
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets as tv
from PIL import Image
from scipy.io import savemat

from gridsearch.config.image_format import ImageFormat
from gridsearch.data.catalog import load_dataset
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.torchvision_classes import load_torchvision_class
from tests.data.refusals import refused


def write_idx(file: Path, array: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    file.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist_like(folder: Path, prefix: str, digits: ImageDataset, labels: Any) -> None:
    images = digits.train_images
    for part, own in (("train", slice(0, 300)), ("t10k" if prefix[:1] != "e" else "test", slice(300, 400))):
        name = f"{prefix}{part}"
        write_idx(folder / f"{name}-images-idx3-ubyte", images[own])
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels[own])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
    for made in (tv.KMNIST, tv.FashionMNIST):
        monkeypatch.setattr(made, "mirrors", [address])
    for made in (tv.EMNIST, tv.CIFAR100):
        monkeypatch.setattr(made, "url", address)


def test_kmnist_is_read_by_torchvision_and_kept(digits: ImageDataset, tmp_path: Path) -> None:
    write_mnist_like(tmp_path / "KMNIST" / "raw", "", digits, digits.train_labels)
    dataset = load_dataset("torchvision:KMNIST", folder=tmp_path, base=tmp_path)
    assert np.array_equal(dataset.train_images, digits.train_images[:300])
    assert np.array_equal(dataset.test_labels, digits.train_labels[300:400])
    assert dataset.class_names == tuple(tv.KMNIST(tmp_path).classes) and dataset.name == "KMNIST"
    own = dataset_from_arrays(
        "own",
        {
            "train_images": digits.train_images[:300],
            "train_labels": digits.train_labels[:300],
            "test_images": digits.train_images[300:400],
            "test_labels": digits.train_labels[300:400],
        },
    )
    assert dataset.fingerprint == own.fingerprint
    (kept,) = tmp_path.glob("torchvision-KMNIST*.npz")
    for file in (tmp_path / "KMNIST" / "raw").iterdir():
        file.unlink()
    again = load_torchvision_class("torchvision:KMNIST", {}, tmp_path, ImageFormat(size=(4, 4)))
    assert again.image_shape == (1, 4, 4) and again.notes and kept.exists()


def test_emnist_has_an_argument_and_labels_that_begin_at_1(digits: ImageDataset, tmp_path: Path) -> None:
    for split, shift in (("letters", 1), ("digits", 0)):
        write_mnist_like(tmp_path / "EMNIST" / "raw", f"emnist-{split}-", digits, digits.train_labels + shift)
    dataset = load_dataset("torchvision:EMNIST", folder=tmp_path, base=tmp_path, options={"split": "letters"})
    assert np.array_equal(dataset.train_labels, digits.train_labels[:300])
    assert dataset.class_names == tuple("abcdefghij")
    assert dataset.notes == ("labels from 1 to 10 are numbered 0 to 9",)
    assert np.array_equal(dataset.train_images, tv.EMNIST(tmp_path, split="letters").data.numpy())
    others = load_torchvision_class("torchvision:EMNIST", {"split": "digits"}, tmp_path)
    assert others.class_names == tuple("0123456789")
    assert len(list(tmp_path.glob("torchvision-EMNIST*.npz"))) == 2


def test_cifar100_is_in_colour(cifar10: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / tv.CIFAR100.base_folder
    folder.mkdir()
    images, labels = cifar10.train_images, cifar10.train_labels.tolist()
    md5 = {}
    for name, own in (("train", slice(0, 200)), ("test", slice(200, 260))):
        rows = images[own].transpose(0, 3, 1, 2).reshape(-1, 3072)
        (folder / name).write_bytes(pickle.dumps({"data": rows, "fine_labels": labels[own]}))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"a {name}" for name in cifar10.class_names]}))
    for name in ("train", "test", "meta"):
        md5[name] = hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(tv.CIFAR100, "train_list", [["train", md5["train"]]])
    monkeypatch.setattr(tv.CIFAR100, "test_list", [["test", md5["test"]]])
    monkeypatch.setattr(tv.CIFAR100, "meta", {"filename": "meta", "key": "fine_label_names", "md5": md5["meta"]})
    dataset = load_torchvision_class("torchvision:CIFAR100", {}, tmp_path)
    assert np.array_equal(dataset.train_images, images[:200]) and dataset.class_names[0] == "a airplane"
    assert np.array_equal(dataset.test_images, images[200:260])


def test_svhn_has_splits_and_numbers_for_names(
    cifar10: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits: dict[str, list[str]] = {}
    for name, own in (("train", slice(0, 90)), ("test", slice(90, 150)), ("extra", slice(150, 290))):
        file = tmp_path / f"{name}_32x32.mat"
        images = cifar10.train_images[own].transpose(1, 2, 3, 0)
        savemat(file, {"X": images, "y": cifar10.train_labels[own, None]})
        splits[name] = ["", file.name, hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()]
    monkeypatch.setattr(tv.SVHN, "split_list", splits)
    dataset = load_torchvision_class("torchvision:SVHN", {}, tmp_path)
    assert [len(part) for part in dataset.labels] == [90, 60, 0] and dataset.class_names == tuple("0123456789")
    assert np.array_equal(dataset.train_images, cifar10.train_images[:90])
    extra = load_torchvision_class("torchvision:SVHN", {"split": "extra"}, tmp_path)
    assert [len(part) for part in extra.labels] == [140, 60, 0]
    with refused("dataset_options", "Unknown value 'more' for argument split", "extra"):
        load_torchvision_class("torchvision:SVHN", {"split": "more"}, tmp_path)


def test_files_of_several_sizes_are_brought_to_one(
    cifar10: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # EuroSAT is one folder of class folders, without parts.
    monkeypatch.setattr(tv.EuroSAT, "_check_exists", lambda self: True)
    for index in range(40):
        image = Image.fromarray(cifar10.train_images[index])
        file = tmp_path / "eurosat" / "2750" / cifar10.class_names[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        (image.resize((20, 16)) if index == 7 else image.convert("L") if index % 3 else image).save(file)
    with refused("EuroSAT have several sizes, 32 x 32 and 16 x 20", "image_size: 32"):
        load_torchvision_class("torchvision:EuroSAT", {}, tmp_path)
    small = load_torchvision_class("torchvision:EuroSAT", {}, tmp_path, ImageFormat(size=(8, 8)))
    large = load_torchvision_class("torchvision:EuroSAT", {}, tmp_path, ImageFormat(size=(24, 24)))
    assert small.image_shape == (3, 8, 8) and large.image_shape == (3, 24, 24)
    assert small.notes == ("images of 2 sizes, from 16 x 20 to 32 x 32, are brought to 8 x 8",)
    assert small.class_names == ("airplane", "automobile") and len(small.train_labels) == 40
    again = load_torchvision_class("torchvision:EuroSAT", {}, tmp_path, ImageFormat(size=(8, 8)))
    assert again.fingerprint == small.fingerprint


@pytest.mark.parametrize(
    ("reference", "options", "fragments"),
    [
        ("EMNST", {}, ["torchvision has no data set 'EMNST' (did you mean 'EMNIST'?)"]),
        ("ImageFolder", {}, ["torchvision has no data set 'ImageFolder'"]),
        ("KMNIST", {"splits": "x"}, ["dataset_options: splits: torchvision's KMNIST does not take it"]),
        (
            "EMNIST",
            {"splt": "x"},
            ["dataset_options: splt: torchvision's EMNIST does not take it (did you mean 'split'?)"],
        ),
        ("KMNIST", {"download": True}, ["dataset_options: download: is not for a job to say"]),
        ("EMNIST", {"train": True}, ["dataset_options: train: is not for a job to say", "parts are found"]),
        ("EMNIST", {}, ["dataset_options: torchvision's EMNIST needs 'split'", "such as byclass"]),
        ("EMNIST", {"split": "leters"}, ["dataset_options: ", "Unknown value 'leters' for argument split", "letters"]),
        ("KMNIST", {}, ["dataset: torchvision's KMNIST is not in", "cannot be downloaded", "--data-dir"]),
        ("CIFAR100", {}, ["dataset: torchvision's CIFAR100 is not in", "cannot be downloaded", "refused"]),
        ("FER2013", {}, ["dataset: torchvision's FER2013 must be put by hand into"]),
    ],
)
def test_what_torchvision_cannot_give_is_said_in_one_line(
    no_network: None, tmp_path: Path, reference: str, options: dict[str, Any], fragments: list[str]
) -> None:
    with refused(*fragments):
        load_torchvision_class(f"torchvision:{reference}", options, tmp_path)


def test_what_is_no_classification_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items: Callable[[Any, int], Any] = lambda self, index: (Image.new("L", (4, 4)), ["a caption"])  # noqa: E731
    monkeypatch.setattr(tv.KMNIST, "__init__", lambda self, root, train=True, download=False: None)
    monkeypatch.setattr(tv.KMNIST, "__len__", lambda self: 3)
    monkeypatch.setattr(tv.KMNIST, "__getitem__", items)
    with refused("KMNIST gives list for an image, no class number: it is not for classification"):
        load_torchvision_class("torchvision:KMNIST", {}, tmp_path)
    with refused(
        "dataset_options: are arguments of torchvision:CLASS or of a function of yours, and 'digits' is neither"
    ):
        load_dataset("digits", folder=tmp_path, base=tmp_path, options={"split": "x"})
