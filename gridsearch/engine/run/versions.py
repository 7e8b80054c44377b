"""With which versions a launch trains: of gridsearch, of Python, and of the packages that decide the numbers."""

from __future__ import annotations

import platform
from importlib import metadata

from gridsearch.config.job import JobSpec
from gridsearch.store.rows import Versions
from gridsearch.version import __version__

#: The packages that train: of these a training by our own loop, or a function of the user's, has its numbers.
_TRAINING = ("torch", "numpy")
#: The package that starts workers.
_WORKERS = ("ray",)


def versions_of(job: JobSpec, *, ray: bool) -> Versions:
    """Return the versions of gridsearch, of Python, and of the packages that train a job, by their names.

    A package that is not installed is left out; `ray` says whether Ray starts the workers.
    """
    # A command is another program: nobody knows what it trains with.
    training = () if job.own and job.own.training == "command" else _TRAINING
    packages = (*training, *(_WORKERS if ray else ()))
    found = {name: version for name in packages if (version := _installed(name))}
    return (("gridsearch", __version__), ("Python", platform.python_version()), *found.items())


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
