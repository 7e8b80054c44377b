"""What a store and what lies beside it take of the disk, and what is free there."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gridsearch import paths

#: How to have more of the disk, or need less.
MORE_ROOM = "free some (gridsearch gc), or launch with fewer --workers, --pack off, --checkpoints none"


@dataclass(frozen=True)
class DiskUse:
    """Bytes: of the database with its journal and backups, of checkpoints, of weights kept or gathered, of pages.

    `runs` are the folders of commands' trials, `other` are logs and scratch files, `free` is what the disk has left for
    this user. Stores in one folder share the folders of weights, of runs and of pages.
    """

    database: int
    checkpoints: int
    weights: int
    dashboards: int
    other: int
    free: int
    runs: int = 0

    def json(self) -> dict[str, int]:
        """Return it as JSON values."""
        return asdict(self)


def disk_use(store: Path) -> DiskUse:
    """Return what a store takes now; what others remove meanwhile counts as nothing."""
    store = store.absolute()
    checkpoints, readings = _taken([paths.checkpoint_dir(store)]), _taken([paths.readings_dir(store)])
    return DiskUse(
        database=_taken([store, *store.parent.glob(f"{store.name}-*"), *store.parent.glob(f"{store.name}.before-*")]),
        checkpoints=checkpoints,
        weights=_taken([paths.weights_dir(store)]) + readings,
        dashboards=_taken([store.parent / paths.DASHBOARDS_NAME]),
        other=_taken([paths.companion_dir(store)]) - checkpoints - readings,
        free=free_bytes(store),
        runs=_taken([paths.runs_root(store)]),
    )


def free_bytes(store: Path) -> int:
    """Return how many bytes are free where a store lies, or is to lie."""
    place = store.absolute().parent
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def files_at(place: Path) -> dict[Path, int]:
    """Return the files at a place, all below a folder or a file itself, with their bytes; links are not followed."""
    found = {}
    for path in place.rglob("*") if place.is_dir() and not place.is_symlink() else [place]:
        with suppress(OSError):  # not there, or gone by now
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                found[path] = status.st_size
    return found


def _taken(places: Iterable[Path]) -> int:
    return sum(sum(files_at(place).values()) for place in places)
