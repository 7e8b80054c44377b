"""The data sets one can name, and how a job's `dataset` finds its images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from gridsearch import paths
from gridsearch.config.image_format import AS_IT_IS, ImageFormat
from gridsearch.config.named_datasets import DATASETS
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.digits import load_digits
from gridsearch.data.folder import load_folder
from gridsearch.data.npz import load_npz
from gridsearch.data.scaling import scaled_dataset
from gridsearch.data.torchvision_classes import OPTIONS, PREFIX, load_torchvision_class
from gridsearch.data.torchvision_sets import has_raw_files, load_torchvision_set
from gridsearch.errors import DataError, nearest


@dataclass(frozen=True)
class Availability:
    """What is known of a named data set without loading it.

    Attributes:
        name: Its name in a job file.
        description: Images, shape and classes in a line.
        state: `bundled`: comes with a dependency. `ready`: `file` exists. `raw`: torchvision's own files are there and
            are converted to `file` at first use. `missing`: downloaded at first use.
        file: The canonical file; None for a bundled data set.
        size_bytes: Its size, if it exists.
    """

    name: str
    description: str
    state: Literal["bundled", "ready", "raw", "missing"]
    file: Path | None = None
    size_bytes: int | None = None


def load_dataset(
    reference: str,
    *,
    folder: Path,
    base: Path,
    image_format: ImageFormat = AS_IT_IS,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> ImageDataset:
    """Load the data set that a job names.

    Args:
        reference: A name in `DATASETS`, `torchvision:CLASS`, or the path of an `.npz` file or image folder. A name wins
            over a file of that name: write `./mnist` for the file.
        folder: Where named data sets are kept (see `paths.data_dir`).
        base: The job file's folder; a relative path is looked for below it, then below the working folder.
        image_format: How images are read.
        options: The arguments of torchvision's class.

    Raises:
        DataError: The data set is unknown, missing or damaged; the message is one line.
    """
    if reference.startswith(PREFIX):
        return load_torchvision_class(reference, options, folder, image_format)
    if options:
        said = f"are arguments of {PREFIX}CLASS or of a function of yours, and {reference!r} is neither; leave them out"
        raise DataError(said, key=(OPTIONS,))
    if reference == "digits":
        return scaled_dataset(load_digits(), image_format)
    if reference in DATASETS:
        return scaled_dataset(load_torchvision_set(reference, folder), image_format)
    path = find_path(reference, base=base)
    return load_folder(path, image_format) if path.is_dir() else scaled_dataset(load_npz(path), image_format)


def find_path(reference: str, *, base: Path) -> Path:
    """Return the file or folder that `reference` means.

    Raises:
        DataError: There is none; the message names the places that were searched.
    """
    given = Path(reference)
    with contextlib.suppress(RuntimeError):  # "~name" of nobody: looked for as it is written
        given = given.expanduser()
    places = list(dict.fromkeys((base / given, Path.cwd() / given)))
    for place in places:
        if reference and _exists(place):
            return place
    looks_like_a_path = len(given.parts) > 1 or given.suffix or os.sep in reference
    if not looks_like_a_path:
        one = "; a job has one data set, so write a job for each" if "," in reference else ""
        raise DataError(
            f"{reference!r} is neither a known data set nor a file{nearest(reference, DATASETS)}; "
            f"name one of them, {PREFIX}CLASS, an .npz, an image folder, or a function, module:function{one}",
            key=("dataset",),
        )
    looked = " and ".join(str(place) for place in places)
    raise DataError(f"{reference!r} does not exist (looked for {looked}); correct the path", key=("dataset",))


def _exists(place: Path) -> bool:
    """Return whether something lies there; nothing lies at what cannot be a path, being too long, say."""
    try:
        return place.exists()
    except (OSError, ValueError):
        return False


def available(folder: Path) -> list[Availability]:
    """Return for every named data set whether it is there; reads no data and uses no network."""
    return [_availability(name, folder) for name in DATASETS]


def _availability(name: str, folder: Path) -> Availability:
    if name == "digits":
        return Availability(name, DATASETS[name], "bundled")
    file = paths.data_file(folder, name)
    if file.is_file():
        return Availability(name, DATASETS[name], "ready", file, file.stat().st_size)
    state: Literal["raw", "missing"] = "raw" if has_raw_files(name, folder) else "missing"
    return Availability(name, DATASETS[name], state, file)
