"""The files that an own training depends on, `inputs: [data/churn.csv]`: their content is part of its identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gridsearch.errors import DataError, TrialError


def fingerprints(inputs: Sequence[str], base: Path) -> Mapping[str, str]:
    """Return the SHA-256 of each file's content by its name in the job; of a folder, of all files below it.

    Raises:
        DataError: One is missing or cannot be read; `key` says which.
    """
    found = {}
    for index, name in enumerate(inputs):
        path = base / Path(name).expanduser()
        try:
            if path.exists() and not (path.is_dir() or path.is_file()):
                raise DataError(f"{path} is no ordinary file", key=("inputs", str(index)))
            found[Path(name).as_posix()] = _of_folder(path) if path.is_dir() else _of_file(path)
        except FileNotFoundError:
            raise DataError(f"there is no file {path}", key=("inputs", str(index))) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}", key=("inputs", str(index))) from None
    return found


def _of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def _of_folder(path: Path) -> str:
    """Return the SHA-256 of the names and contents of a folder's files, hidden ones aside, in order of their names."""
    lines = [f"{file.relative_to(path).as_posix()} {_of_file(file)}" for file in _files(path)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


#: What was found of files by their paths: how they looked then, and the fingerprint.
_known: dict[Path, tuple[tuple[tuple[str, int, int], ...], str]] = {}


def check_unchanged(inputs: Mapping[str, str], base: Path) -> None:
    """Refuse to train on inputs that are not what they were when the trial was planned.

    Args:
        inputs: Their fingerprints then, by their names in the job.
        base: The folder that names start from.

    Raises:
        TrialError: One has changed, or is gone.
    """
    for name, planned in inputs.items():
        path = base / Path(name).expanduser()
        try:
            if _as_it_looks(path) != planned:
                raise TrialError(f"the input {name} has changed since this trial was planned; launch again")
        except OSError as error:
            raise TrialError(f"the input {name} cannot be read: {error.strerror or error}") from None


def _as_it_looks(path: Path) -> str:
    """Return the fingerprint of a file or a folder, which is read again where sizes or times are others."""
    files = _files(path) if path.is_dir() else [path]
    look = tuple((str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()])
    if path not in _known or _known[path][0] != look:
        _known[path] = look, _of_folder(path) if path.is_dir() else _of_file(path)
    return _known[path][1]
