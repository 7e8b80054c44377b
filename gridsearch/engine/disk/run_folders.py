"""The folders of trials that commands wrote to, `runs/JOB/ID/`: which of them are done with, and removing them.

A folder is ours where the file beside it says so (`training/own/run_folder.py`). Those of trials that are still to be
trained stay, and so do those of another store that is still there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gridsearch import paths
from gridsearch.config.events import OPEN_STATES
from gridsearch.engine.disk.disk_use import files_at
from gridsearch.engine.run.liveness import described
from gridsearch.errors import StoreBusyError
from gridsearch.store.contract import Store
from gridsearch.store.signs_of_life import is_gone
from gridsearch.training.own.run_folder import ID_DIGITS, RunFolder

_MARKER = re.compile(rf"\.[0-9a-f]{{{ID_DIGITS}}}\.json")


@dataclass(frozen=True)
class Run:
    """What a trial's command has left: in its folder, and what was moved aside before.

    `job` is the name of the job's folder.
    """

    job: str
    folder: RunFolder
    places: tuple[Path, ...]
    files: int
    size: int


def finished_runs(store: Store, store_path: Path, job: str | None = None) -> tuple[list[Run], int]:
    """Return what may be removed, of one job or of all, and of how many trials the folders have to stay."""
    root = paths.runs_root(store_path)
    folders = [paths.runs_dir(store_path, job)] if job else sorted(root.iterdir()) if root.is_dir() else []
    needed = {key for row in store.trials() if row.state in OPEN_STATES for key in (row.trial_id, row.lineage_id)}
    found, stay = [], 0
    for folder in folders:
        for run in _runs_in(folder, store_path):
            if run.trial_id in needed:
                stay += 1
            else:
                found.append(_run(run))
    return found, stay


def check_nobody_works(store: Store, store_path: Path) -> None:
    """Refuse to remove anything while a launch may need it; `StoreBusyError` names it."""
    for launch in store.open_launches():
        if not is_gone(launch):
            raise StoreBusyError(f"{store_path}: {described(launch)} is training; stop it first, or wait for its end")


def remove_runs(runs: Iterable[Run]) -> list[Run]:
    """Remove what trials have left; return of which, as nothing is removed that a process still has."""
    return [run for run in runs if _remove(run)]


def _runs_in(folder: Path, store_path: Path) -> Iterator[RunFolder]:
    if folder.is_symlink() or not folder.is_dir():
        return
    for marker in sorted(folder.glob(".*.json")):
        if not _MARKER.fullmatch(marker.name):
            continue
        try:
            said = json.loads(marker.read_text())
            run, owner = RunFolder(folder, said["trial"]), Path(said["store"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        others = owner != store_path.absolute() and owner.exists()
        if run.marker == marker and not others:
            yield run


def _run(run: RunFolder) -> Run:
    aside = run.root.glob(f"{run.path.name}.before-*")
    places = tuple(path for path in (run.path, *sorted(aside), run.reports) if os.path.lexists(path))
    sizes = [size for place in places for size in files_at(place).values()]
    return Run(run.root.name, run, places, len(sizes), sum(sizes))


def _remove(run: Run) -> bool:
    with contextlib.suppress(OSError), run.folder.marker.open("r+") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for place in run.places:
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        run.folder.marker.unlink()
        for folder in (run.folder.root, run.folder.root.parent):
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        return True
    return False
