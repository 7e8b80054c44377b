"""With which versions a launch trains: of gridsearch, of Python, and of the packages that decide the numbers."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import metadata

from gridsearch.store.rows import Versions
from gridsearch.version import __version__

#: The packages that train: of these a training by our own loop, or a function of the user's, has its numbers.
TRAINING = ("torch", "numpy")
#: The package that starts workers.
WORKERS = ("ray",)


def versions_of(packages: Sequence[str]) -> Versions:
    """Return the versions of gridsearch, of Python, and of those of the packages that are installed, by their names."""
    found = {name: version for name in packages if (version := _installed(name))}
    return (("gridsearch", __version__), ("Python", platform.python_version()), *found.items())


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
