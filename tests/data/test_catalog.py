from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gridsearch.config.named_datasets import DATASETS
from gridsearch.data.catalog import available, find_path, load_dataset
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.npz import write_npz
from tests.data.refusals import refused


def test_named_sets(digits: ImageDataset, mnist: ImageDataset, tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz", mnist)
    assert load_dataset("digits", folder=tmp_path, base=tmp_path).fingerprint == digits.fingerprint
    loaded = load_dataset("mnist", folder=tmp_path, base=tmp_path / "elsewhere")
    assert (loaded.name, loaded.fingerprint) == ("mnist", mnist.fingerprint)


def test_paths_are_looked_for_beside_the_job_then_here(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, here = tmp_path / "jobs", tmp_path / "here"
    jobs.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    write_npz(here / "mine.npz", digits)
    assert load_dataset("mine.npz", folder=tmp_path, base=jobs).source == str(here / "mine.npz")
    write_npz(jobs / "mine.npz", digits)
    for reference in ("mine.npz", "./mine.npz", str(jobs / "mine.npz")):
        assert load_dataset(reference, folder=tmp_path, base=jobs).source == str(jobs / "mine.npz")


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "photos").mkdir()
    assert find_path("~/photos", base=tmp_path) == tmp_path / "photos"


def test_a_name_wins_over_a_folder_of_that_name(digits: ImageDataset, tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    assert load_dataset("digits", folder=tmp_path, base=tmp_path).fingerprint == digits.fingerprint
    with refused(str(tmp_path / "digits"), "no class folders"):
        load_dataset("./digits", folder=tmp_path, base=tmp_path)


@pytest.mark.parametrize(
    ("reference", "fragments"),
    [
        ("minst", ["'minst'", "did you mean 'mnist'?"]),
        ("Fashion-MNIST", ["'Fashion-MNIST'", "fashion_mnist"]),
        ("imagenet", ["'imagenet'", "valid: cifar10, digits, fashion_mnist, mnist"]),
        ("", ["''", "valid: cifar10"]),
        ("no/such.npz", ["'no/such.npz' does not exist", "looked for", "correct the path"]),
        ("such.npz", ["'such.npz' does not exist"]),
        ("./mnist", ["'./mnist' does not exist"]),
        ("a\x00b", ["neither a known data set"]),
        ("~nobody-of-this-name/mine.npz", ["does not exist"]),
        ("x" * 300, ["neither a known data set"]),
    ],
)
def test_unknown_references(reference: str, fragments: list[str], tmp_path: Path) -> None:
    with refused("dataset: ", *fragments):
        load_dataset(reference, folder=tmp_path, base=tmp_path)


def test_availability(mnist: ImageDataset, tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz", mnist)
    (tmp_path / "FashionMNIST" / "raw").mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / "FashionMNIST" / "raw" / f"{name}-ubyte").touch()
    found = {entry.name: entry for entry in available(tmp_path)}
    assert list(found) == list(DATASETS)
    assert {name: entry.state for name, entry in found.items()} == {
        "digits": "bundled",
        "mnist": "ready",
        "fashion_mnist": "raw",
        "cifar10": "missing",
    }
    assert found["mnist"].size_bytes == os.path.getsize(tmp_path / "mnist.npz")  # noqa: PTH202
    assert found["cifar10"].file == tmp_path / "cifar10.npz"
    assert [entry.state for entry in available(tmp_path / "no such folder")][1:] == ["missing"] * 3


def test_the_catalog_imports_no_heavy_library() -> None:
    heavy = ("torch", "torchvision", "sklearn", "PIL", "pandas", "ray")
    code = (
        "import sys, gridsearch.data.catalog, gridsearch.data.splits; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
