"""Real MNIST and CIFAR-10 for tests, from `$GRIDSEARCH_DATA` or the packed copies beside the repository."""

from __future__ import annotations

import functools
import getpass
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gridsearch import paths

REPOSITORY = Path(__file__).resolve().parents[1]
PACKED_FOLDERS = (REPOSITORY.parent / "shared" / "data", REPOSITORY / "shared" / "data")
PACKED = {
    "mnist": (
        *("mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"),
        *("mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"),
    ),
    "cifar10": ("cifar10-jpeg.npz.xz",),
}


def require_real_data(name: str) -> Path:
    """Return a folder that holds `<name>.npz`, "mnist" or "cifar10"; skip the test where there is none.

    For MNIST unpacked here, torchvision's own files lie in it too. The first call on a machine unpacks, which
    takes some ten seconds; later ones find it in the folder for temporary files. Never write into it.
    """
    folder = find_real_data(name)
    if folder is None:
        pytest.skip(f"real {name} is neither in ${paths.DATA_VARIABLE} nor packed in ../shared/data")
    return folder


def require_packed(name: str) -> list[Path]:
    """Return the packed files of "mnist" or "cifar10" themselves; skip the test where they are not."""
    folder = _packed_folder(name)
    if folder is None:
        pytest.skip(f"real {name} is not packed in ../shared/data")
    return [folder / file for file in PACKED[name]]


@functools.cache
def find_real_data(name: str) -> Path | None:
    """Return a folder that holds `<name>.npz`, unpacked first if need be, or None."""
    chosen = os.environ.get(paths.DATA_VARIABLE)
    if chosen and paths.data_file(Path(chosen), name).is_file():
        return Path(chosen)
    packed = _packed_folder(name)
    return None if packed is None else _unpacked(name, packed)


def _packed_folder(name: str) -> Path | None:
    for folder in PACKED_FOLDERS:
        if all((folder / file).is_file() for file in (*PACKED[name], "unpack.py")):
            return folder
    return None


def _unpacked(name: str, packed: Path) -> Path:
    """Return the folder of the unpacked data set, named after the content: a new packing is unpacked anew."""
    digest = hashlib.sha256()
    for file in (*PACKED[name], "unpack.py"):
        digest.update((packed / file).read_bytes())
    root = Path(tempfile.gettempdir()) / f"gridsearch-real-data-{getpass.getuser()}"
    root.mkdir(mode=0o700, exist_ok=True)
    target = root / f"{name}-{digest.hexdigest()[:16]}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            fresh = Path(scratch) / name
            command = [sys.executable, str(packed / "unpack.py"), str(fresh), name]
            subprocess.run(command, check=True, capture_output=True)
            try:
                fresh.rename(target)
            except OSError:  # another test process was faster
                assert target.exists()
    return target
