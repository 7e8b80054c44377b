"""MNIST, Fashion-MNIST and CIFAR-10: downloaded by torchvision once, then kept in the canonical form."""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridsearch import paths
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.npz import FORMAT, load_npz, write_npz
from gridsearch.errors import DataError, one_line
from gridsearch.network import fetchable, network_timeout

_log = logging.getLogger(__name__)

_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


@dataclass(frozen=True)
class TorchvisionSet:
    """How torchvision calls a data set, and where its files lie below the root folder it is given."""

    class_name: str
    raw_files: tuple[str, ...]
    archives: tuple[str, ...]
    class_names: tuple[str, ...]


SETS = {
    "mnist": TorchvisionSet(
        class_name="MNIST",
        raw_files=tuple(f"MNIST/raw/{name}" for name in _IDX),
        archives=tuple(f"MNIST/raw/{name}.gz" for name in _IDX),
        class_names=tuple("0123456789"),
    ),
    "fashion_mnist": TorchvisionSet(
        class_name="FashionMNIST",
        raw_files=tuple(f"FashionMNIST/raw/{name}" for name in _IDX),
        archives=tuple(f"FashionMNIST/raw/{name}.gz" for name in _IDX),
        class_names=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    "cifar10": TorchvisionSet(
        class_name="CIFAR10",
        raw_files=tuple(f"cifar-10-batches-py/{name}" for name in _BATCHES),
        archives=("cifar-10-python.tar.gz",),
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
    ),
}

#: What torchvision, urllib and the decompressors raise when a file cannot be fetched or is damaged.
FAILURES = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    http.client.HTTPException,
    tarfile.TarError,
    zlib.error,
)


def load_torchvision_set(name: str, folder: Path) -> ImageDataset:
    """Load a data set from `<folder>/<name>.npz`, which is written first if it does not exist.

    It is made of torchvision's own files if they are in `folder` already, else of a download
    (https://docs.pytorch.org/vision/stable/datasets.html). Several processes may do this at the same time.

    Returns:
        Images uint8 (N, 28, 28) or (N, 32, 32, 3).

    Raises:
        DataError: There is neither a file nor a network; the message says how to get the file.
    """
    target = paths.data_file(folder, name)
    if not target.exists():
        if has_raw_files(name, folder):
            dataset = _parsed(name, folder)
            try:
                write_npz(target, dataset)
            except OSError as error:  # a folder that cannot be written only costs parsing again
                _log.info("%s cannot be written, so its files are parsed at every start: %s", target, one_line(error))
            return dataset
        write_npz_of_download(name, target)
    return load_npz(target, name=name, class_names=SETS[name].class_names)


def has_raw_files(name: str, folder: Path) -> bool:
    """Return whether torchvision's own, unpacked files of a data set lie in `folder`."""
    return all((folder / file).is_file() for file in SETS[name].raw_files)


def write_npz_of_download(name: str, target: Path) -> None:
    """Write the canonical file of a data set that torchvision downloads; leave nothing else in the folder."""
    folder = target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", suffix=".download", dir=folder) as scratch:
            _fetch(name, folder, Path(scratch))
            write_npz(target, _parsed(name, Path(scratch)))
    except FAILURES as error:
        raise DataError(
            f"{name}: {target} is missing and cannot be downloaded ({reason_of(error)}); run once where "
            f"there is a network, or put the file there ({FORMAT}), or name the folder that has it with "
            f"--data-dir or ${paths.DATA_VARIABLE}"
        ) from error


def _fetch(name: str, folder: Path, scratch: Path) -> None:
    """Let torchvision download and unpack into `scratch`; archives that lie in `folder` are not fetched."""
    dataset_class = _dataset_class(name)
    here = [file for file in SETS[name].archives if (folder / file).is_file()]
    for file in here:
        (scratch / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, scratch / file)
    if len(here) < len(SETS[name].archives):
        fetchable(addresses_of(dataset_class))
    logging.getLogger(__name__).info("downloading %s into %s", name, folder)
    with network_timeout(), quiet():
        dataset_class(scratch, download=True)


def addresses_of(dataset_class: Any) -> list[str]:
    """Return the addresses of the first file of a data set, one for each mirror; none where they are not known."""
    mirrors, url = getattr(dataset_class, "mirrors", None), getattr(dataset_class, "url", None)
    if mirrors and isinstance(dataset_class.resources[0], tuple):
        return [mirror + dataset_class.resources[0][0] for mirror in mirrors]
    return [url] if isinstance(url, str) else []


def _parsed(name: str, root: Path) -> ImageDataset:
    """Return the data set of torchvision's files below `root`; raises DataError when they are damaged."""
    dataset_class = _dataset_class(name)
    arrays = {}
    try:
        for part in ("train", "test"):
            parsed = dataset_class(root, train=part == "train")
            arrays[f"{part}_images"] = np.asarray(parsed.data)
            arrays[f"{part}_labels"] = np.asarray(parsed.targets)
    except Exception as error:  # parsers raise assertions, index errors and more on damaged bytes
        raise DataError(
            f"{name}: {root / SETS[name].raw_files[0]} or a file beside it is damaged ({reason_of(error)}); "
            f"delete that folder and run again where there is a network"
        ) from error
    source = f"torchvision's {SETS[name].class_name}"
    return dataset_from_arrays(name, arrays, class_names=SETS[name].class_names, source=source)


def _dataset_class(name: str) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, SETS[name].class_name)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep stdout for data: prints and progress bars go to stderr, and only where a person can see them."""
    seen = sys.stderr if sys.stderr.isatty() else io.StringIO()
    with contextlib.redirect_stdout(seen), contextlib.redirect_stderr(seen):
        yield


def reason_of(error: BaseException) -> str:
    """Return the last line of an error, which names the cause, without the brackets urllib puts around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("<urlopen error ").removesuffix(">") if lines else type(error).__name__
