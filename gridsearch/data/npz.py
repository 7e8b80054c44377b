"""The canonical file of a data set: an `.npz` with `train_images`, `train_labels` and, optionally, more.

    train_images  uint8 (N, H, W) or (N, H, W, C), 0..255, or   required
                  floats or whole numbers of any shape (N, ...)
    train_labels  integers (N,) or (N, 1), 0..K-1               required
    test_images, test_labels  likewise                          optional, both or neither
    validation_images, validation_labels  likewise              optional, both or neither
    class_names   text (K,)                                     optional

Other usual names of the parts are read too (`part_names.py`). Nothing is ever unpickled.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gridsearch.atomic import replacing
from gridsearch.data.checks import Array
from gridsearch.data.dataset import ARRAY_KEYS, PARTS, VALIDATION_KEYS, ImageDataset, dataset_from_arrays
from gridsearch.data.fingerprint_cache import recall, remember, stamp_of
from gridsearch.data.part_names import array_alike, canonical_array, counterpart
from gridsearch.errors import DataError, nearest
from gridsearch.regular_files import open_regular

NAMES_KEY = "class_names"
FORMAT = "an .npz with train_images uint8 (N, H, W[, C]) and train_labels int64 (N,), test_* likewise"


def load_npz(path: Path, *, name: str | None = None, class_names: Sequence[str] | None = None) -> ImageDataset:
    """Load a data set from an `.npz` file.

    Args:
        path: The file.
        name: What to call it; by default the file's name without suffix.
        class_names: Used if the file has none and their number fits.

    Raises:
        DataError: The file is missing, damaged or not an `.npz`; an array is missing, holds objects, or has another
            type or shape; labels are not 0..K-1. The message names the file, the array and how to fix it.
    """
    stamp, arrays, keys, notes = _read(path)
    names = _class_names(arrays.pop(NAMES_KEY), path) if NAMES_KEY in arrays else None
    known = recall(path, stamp, arrays)
    try:
        dataset = dataset_from_arrays(
            name or path.stem, arrays, class_names=names, fingerprint=known, source=str(path), notes=notes
        )
    except DataError as error:
        raise _as_spelt(error, keys, path) from None
    if known is None:
        remember(path, stamp, arrays, dataset.fingerprint)
    if names is None and class_names is not None and len(class_names) == dataset.num_classes:
        return replace(dataset, class_names=tuple(class_names))
    return dataset


def write_npz(path: Path, dataset: ImageDataset) -> None:
    """Write the canonical file of a data set, whole or not at all; uncompressed, which reads fastest.

    Raises:
        OSError: The folder cannot be written.
    """
    validation = {key: getattr(dataset, key) for key in VALIDATION_KEYS if len(dataset.validation_labels)}
    with replacing(path) as stream:
        np.savez(
            stream,
            train_images=dataset.train_images,
            train_labels=dataset.train_labels,
            test_images=dataset.test_images,
            test_labels=dataset.test_labels,
            **validation,
            class_names=np.array(dataset.class_names, dtype=np.str_),
        )


def _read(path: Path) -> tuple[list[int], dict[str, Array], dict[str, str], list[str]]:
    """Return the file's stamp, taken before reading, and what `_read_arrays` does."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder, not an .npz; name a file in it, or a folder of class folders")
    try:
        with open_regular(path) as stream:  # np.load would leave a damaged file open
            stamp = stamp_of(os.fstat(stream.fileno()))
            return (stamp, *_read_arrays(stream, path))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; put {FORMAT} there, or correct the path") from None
    except DataError:
        raise
    except PermissionError:
        raise DataError(f"{path}: cannot be read: permission denied; change its permissions") from None
    except Exception as error:  # zipfile, zlib and NumPy's parser each raise their own on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read ({reason}); the file is damaged, so download or write it again"
        ) from error


def _read_arrays(stream: BinaryIO, path: Path) -> tuple[dict[str, Array], dict[str, str], list[str]]:
    """Return the arrays of an open file that a data set is made of, what they are called, and a line about others."""
    if not zipfile.is_zipfile(stream):
        raise DataError(f"{path}: not an .npz file, or cut short; write it with np.savez(path, ...): {FORMAT}")
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as archive:
        keys = _keys(archive.files, path)
        _require_keys(keys, archive.files, path)
        unused = sorted(set(archive.files) - {*keys.values()})
        notes = [f"arrays of {path.name} that are not used: {', '.join(unused)}{_alike(unused)}"] if unused else []
        return {key: _member(archive, name, path) for key, name in keys.items()}, keys, notes


def _alike(unused: Sequence[str]) -> str:
    """Return what arrays that are likely a part's would have to be called, if there are any."""
    found = {name: array_alike(name) for name in unused}
    renamed = [f"{name} to {usual}" for name, usual in found.items() if usual]
    return f" (if they are a part of the data, rename {', '.join(renamed)})" if renamed else ""


def _keys(present: Sequence[str], path: Path) -> dict[str, str]:
    """Return by its canonical name what each array of a data set is called in the file; DataError where two are one."""
    keys: dict[str, str] = {}
    for name in present:
        key = name if name == NAMES_KEY else canonical_array(name)
        if key is None:
            continue
        if key in keys:
            raise DataError(f"{path}: {keys[key]} and {name} are both {key}; keep one of them")
        keys[key] = name
    return {key: keys[key] for key in (*ARRAY_KEYS, *VALIDATION_KEYS, NAMES_KEY) if key in keys}


def _require_keys(keys: Mapping[str, str], present: Sequence[str], path: Path) -> None:
    """Raise DataError unless the file has training images and labels, and of other parts both or neither.

    `keys` are the names in the file by the canonical ones; what is missing is called as the file spells its other half.
    """
    others = [name for name in present if name != NAMES_KEY and canonical_array(name) is None]
    for part in PARTS:
        pair = (f"{part}_images", f"{part}_labels")
        missing = [key for key in pair if key not in keys]
        if not missing or (part != "train" and len(missing) == 2):
            continue
        half = next((keys[key] for key in pair if key in keys), None)
        wanted = counterpart(half) if half else missing[0]
        instead = nearest(wanted, others).replace("valid:", "it holds:") if others else ""
        raise DataError(
            f"{path}: no array {wanted}{f' beside {half}' if half else ''}{instead}; "
            f"save it under this name: np.savez(path, {wanted}=...)"
        )


def _as_spelt(error: DataError, keys: Mapping[str, str], path: Path) -> DataError:
    """Return an error with the arrays called as they are in the file."""
    said = str(error)
    start = len(str(path)) if said.startswith(str(path)) else 0
    return DataError(said[:start] + re.sub(r"\w+", lambda word: keys.get(word[0], word[0]), said[start:]))


def _member(archive: np.lib.npyio.NpzFile, key: str, path: Path) -> Array:
    """Return one array of an open file; raises DataError when it holds Python objects or is no array."""
    try:
        array = archive[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            f"{path}: {key} holds Python objects, which are never loaded; save it as one array of numbers"
        ) from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {key} is not an array; write the file with np.savez(path, {key}=...)")
    return array


def _class_names(names: Array, path: Path) -> list[str]:
    """Return class names as text; raises DataError for anything but a flat array of text."""
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DataError(
            f"{path}: class_names is {names.dtype} of shape {names.shape}; save np.array(['cat', 'dog', ...]) instead"
        )
    return [str(name) for name in names]
