"""The data set of a job, whatever it is: by name, by path, of torchvision, or of the user's own function."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gridsearch.config.image_format import AS_IT_IS, ImageFormat
from gridsearch.data.catalog import find_path, load_dataset
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.torchvision_classes import PREFIX
from gridsearch.engine.prepare.data_function import is_function, load_from_function
from gridsearch.errors import DataError


def load_data(
    reference: str,
    *,
    folder: Path,
    base: Path,
    image_format: ImageFormat = AS_IT_IS,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> ImageDataset:
    """Return the data set that a job refers to: as `load_dataset`, or what a function of the user's returns.

    The function's module is looked for below `base`, the folder of the job file, and below the working folder.
    """
    if names_function(reference, base):
        return load_from_function(reference, options, (base, Path.cwd()), image_format)
    return load_dataset(reference, folder=folder, base=base, image_format=image_format, options=options)


def names_function(reference: str, base: Path) -> bool:
    """Whether a reference is a function of the user's; a file of that name is a file."""
    if reference.startswith(PREFIX) or not is_function(reference):
        return False
    try:
        find_path(reference, base=base)
    except DataError:
        return True
    return False
