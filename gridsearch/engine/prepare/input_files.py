"""The files that an own training depends on, `inputs: [data/churn.csv]`: their content is part of its identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gridsearch.errors import DataError


def fingerprints(inputs: Sequence[str], base: Path) -> Mapping[str, str]:
    """Return the SHA-256 of each file's content by its name in the job; of a folder, of all files below it.

    Raises:
        DataError: One is missing or cannot be read; `key` says which.
    """
    found = {}
    for index, name in enumerate(inputs):
        path = base / Path(name).expanduser()
        try:
            found[name] = _of_folder(path) if path.is_dir() else _of_file(path)
        except FileNotFoundError:
            raise DataError(f"there is no file {path}", key=("inputs", str(index))) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}", key=("inputs", str(index))) from None
    return found


def _of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _of_folder(path: Path) -> str:
    """Return the SHA-256 of the names and contents of a folder's files, hidden ones aside, in order of their names."""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    lines = [f"{file.relative_to(path).as_posix()} {_of_file(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
