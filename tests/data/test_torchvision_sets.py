from __future__ import annotations

import gc
import hashlib
import io
import pickle
import socket
import subprocess
import sys
import tarfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets as tv

from gridsearch.data.dataset import ImageDataset
from gridsearch.data.torchvision_sets import SETS, has_raw_files, load_torchvision_set
from tests.data.refusals import refused
from tests.real_data import require_packed, require_real_data
from tests.served import Served

MNIST_FILES = [file for file, _ in tv.MNIST.resources]


def names_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if "fingerprint" not in file.name)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let torchvision look at a port of this machine at which nothing listens; return its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
    for dataset_class in (tv.MNIST, tv.FashionMNIST):
        monkeypatch.setattr(dataset_class, "mirrors", [address, address])
    monkeypatch.setattr(tv.CIFAR10, "url", address + tv.CIFAR10.filename)
    return address


@pytest.fixture
def mirror(served: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Serve real MNIST as torchvision's mirrors do, with the checksums of our own packing."""
    resources = []
    for packed in require_packed("mnist"):
        content = packed.read_bytes()
        (served.folder / packed.name).write_bytes(content)
        resources.append((packed.name, hashlib.md5(content, usedforsecurity=False).hexdigest()))
    assert [file for file, _ in resources] == MNIST_FILES
    monkeypatch.setattr(tv.MNIST, "mirrors", [served.address])
    monkeypatch.setattr(tv.MNIST, "resources", resources)
    return served.folder


@pytest.mark.parametrize("name", list(SETS))
def test_without_a_network_one_line_says_what_to_do(name: str, no_network: str, tmp_path: Path) -> None:
    start = time.monotonic()
    target = tmp_path / "data" / f"{name}.npz"
    with refused(name, str(target), "refused", "network", "put the file there", "--data-dir", "$GRIDSEARCH_DATA"):
        load_torchvision_set(name, tmp_path / "data")
    assert time.monotonic() - start < 20
    assert names_in(tmp_path / "data") == []


def test_a_download_becomes_the_canonical_file(
    mirror: Path, mnist: ImageDataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = load_torchvision_set("mnist", tmp_path / "data")
    assert dataset.fingerprint == mnist.fingerprint
    assert (dataset.name, dataset.class_names) == ("mnist", tuple("0123456789"))
    assert names_in(tmp_path / "data") == ["mnist.npz"]
    assert capfd.readouterr().out == ""


def test_what_is_there_is_not_fetched_again(
    mirror: Path,
    served: Served,
    mnist: ImageDataset,
    tmp_path: Path,
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in MNIST_FILES:
        (raw / file).write_bytes((mirror / file).read_bytes())
    assert load_torchvision_set("mnist", tmp_path).fingerprint == mnist.fingerprint
    load_torchvision_set("mnist", tmp_path)
    assert served.requests == []
    assert sorted(file.name for file in raw.iterdir()) == sorted(MNIST_FILES)


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_broken_download_leaves_nothing(mirror: Path, tmp_path: Path, damage: str) -> None:
    last = mirror / MNIST_FILES[2]
    content = last.read_bytes()
    last.unlink()
    if damage == "cut":
        last.write_bytes(content[:-1000])
    with refused("mnist", str(tmp_path / "data" / "mnist.npz"), "cannot be downloaded"):
        load_torchvision_set("mnist", tmp_path / "data")
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # torchvision never closes the answer that says "404"
    assert names_in(tmp_path / "data") == []


def test_a_folder_that_cannot_be_written(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with refused("mnist", str(tmp_path / "data" / "mnist.npz"), "--data-dir"):
        load_torchvision_set("mnist", tmp_path / "data")


def test_raw_files_of_torchvision_are_used_without_a_network(
    no_network: str, mnist: ImageDataset, tmp_path: Path
) -> None:
    source = require_real_data("mnist") / "MNIST"
    if not source.is_dir():
        pytest.skip("the real MNIST found is an .npz without torchvision's own files")
    (tmp_path / "MNIST").symlink_to(source)
    assert has_raw_files("mnist", tmp_path)
    assert load_torchvision_set("mnist", tmp_path).fingerprint == mnist.fingerprint
    assert (tmp_path / "mnist.npz").is_file()
    assert load_torchvision_set("mnist", tmp_path).fingerprint == mnist.fingerprint


def test_damaged_raw_files_are_named(no_network: str, tmp_path: Path) -> None:
    for file in SETS["fashion_mnist"].raw_files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"\x00\x00\x08\x03damaged")
    with refused("fashion_mnist", str(tmp_path / "FashionMNIST" / "raw"), "damaged", "delete that folder"):
        load_torchvision_set("fashion_mnist", tmp_path)
    assert not (tmp_path / "fashion_mnist.npz").exists()


def packed_batches(cifar10: ImageDataset, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Return 600 real photographs as torchvision's CIFAR-10 files, and let it expect their checksums."""
    files = {}
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        images = cifar10.train_images[number * 100 : number * 100 + 100].transpose(0, 3, 1, 2).reshape(100, -1)
        labels = cifar10.train_labels[number * 100 : number * 100 + 100].tolist()
        files[name] = pickle.dumps({"data": images, "labels": labels})
    files["batches.meta"] = pickle.dumps({"label_names": list(cifar10.class_names)})
    sums = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(tv.CIFAR10, "train_list", [[name, sums[name]] for name in list(files)[:5]])
    monkeypatch.setattr(tv.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(tv.CIFAR10, "meta", tv.CIFAR10.meta | {"md5": sums["batches.meta"]})
    return files


def test_cifar10_from_raw_files_and_from_its_archive(
    no_network: str, cifar10: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = packed_batches(cifar10, monkeypatch)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            (tmp_path / "raw" / member.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "raw" / member.name).write_bytes(content)
    monkeypatch.setattr(tv.CIFAR10, "tgz_md5", hashlib.md5(archive.getvalue(), usedforsecurity=False).hexdigest())
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / tv.CIFAR10.filename).write_bytes(archive.getvalue())
    for folder in (tmp_path / "raw", tmp_path / "archive"):
        dataset = load_torchvision_set("cifar10", folder)
        assert np.array_equal(dataset.train_images, cifar10.train_images[:500])
        assert np.array_equal(dataset.test_labels, cifar10.train_labels[500:600])
        assert dataset.class_names == cifar10.class_names
    assert names_in(tmp_path / "archive") == ["cifar-10-python.tar.gz", "cifar10.npz"]


@pytest.mark.slow
def test_several_processes_may_download_at_the_same_time(
    mirror: Path, served: Served, mnist: ImageDataset, tmp_path: Path
) -> None:
    code = (
        "import sys, torchvision.datasets as tv; from pathlib import Path\n"
        "from gridsearch.data.torchvision_sets import load_torchvision_set\n"
        f"tv.MNIST.mirrors = {tv.MNIST.mirrors!r}; tv.MNIST.resources = {tv.MNIST.resources!r}\n"
        "print(load_torchvision_set('mnist', Path(sys.argv[1])).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [(process.communicate(timeout=300)[0], process.returncode) for process in running]
    assert results == [(mnist.fingerprint + "\n", 0)] * 2
    assert names_in(tmp_path / "data") == ["mnist.npz"]


def test_the_downloaded_test_images_follow_the_training_images(mnist: ImageDataset) -> None:
    # The original order, which every published split of MNIST assumes.
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
