"""Finding the job, and the trials of it, that a command line means."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch import paths
from gridsearch.cli.render.wording import short_id
from gridsearch.errors import GridsearchError, JobError, nearest
from gridsearch.shell_words import quoted

if TYPE_CHECKING:
    from gridsearch.analysis.best import Place
    from gridsearch.config.job import JobSpec
    from gridsearch.store.contract import Store

_SUFFIXES = (".yaml", ".yml")


def job_file(argument: str) -> Path:
    """Return the job file that is meant: a path, or a file's or job's name looked for here and in `jobs/`."""
    for candidate in _candidates(argument):
        if candidate.is_file():
            return candidate
    if len(named := _named(argument)) == 1:
        return named[0]
    if named:
        raise JobError(f"{argument!r} is the name of several jobs; give one of the files {', '.join(map(str, named))}")
    if Path(argument).is_dir():
        raise JobError(f"{argument}: is a folder; give a job file")
    folder = Path(paths.JOBS_NAME)
    names = [path.stem for path in folder.glob("*.y*ml")] if folder.is_dir() else []
    for suffix in _SUFFIXES:
        if (other := Path(argument).with_suffix(suffix)).is_file():
            raise JobError(f"{argument}: no such job file (did you mean {other}?)")
    raise JobError(f"{argument}: no such job file, here or in {paths.JOBS_NAME}/{nearest(Path(argument).stem, names)}")


def load(argument: str, overrides: Sequence[str] | None, only: Sequence[str] | None = None) -> JobSpec:
    """Read and check the job file that is meant, of which only a part may be to be trained."""
    from gridsearch.config.job import load_job
    from gridsearch.config.selection import selecting

    return selecting(load_job(job_file(argument), overrides or ()), only or ())


def folder_of(argument: str | None) -> Path | None:
    """Return the folder of the job file that is named; None where a job is named otherwise, or none."""
    if argument is None:
        return None
    return next((path.parent for path in _candidates(argument) if path.suffix in _SUFFIXES and path.is_file()), None)


def require_store(path: Path, argument: str | None) -> None:
    """Refuse a store that is not there; `StoreError` names one above this folder, or above that of the job named."""
    if not path.exists():
        from gridsearch.store.opening import no_store

        raise no_store(path, folder_of(argument))


def stored_name(store: Store, argument: str) -> str:
    """Return the name of the job in the store that is meant, by name or by a job file; `StoreError` when unknown."""
    if (argument.endswith(_SUFFIXES) and (path := Path(argument)).is_file()) or (
        argument.endswith(_SUFFIXES) and (path := Path(paths.JOBS_NAME) / argument).is_file()
    ):
        from gridsearch.config.yaml_source import read_document

        name = read_document(path).data.get("name")
        if isinstance(name, str):
            return store.job(name).name
    return store.job(argument).name


def chosen_trial(store: Store, name: str, trial: str | None) -> str:
    """Return the id of the trial named, which must be one of the job's, or of the best."""
    return chosen_points(store, name, trial, 1)[0][0][0]


def chosen_points(store: Store, name: str, trial: str | None, n: int) -> list[tuple[list[str], int]]:
    """Return the trial named by itself, or of each of the best `n` points the trials that have a model.

    Each with how many trials it is in all.
    """
    if trial is None:
        return [([row.trial_id for row in place.members], place.of) for place in _best(store, name, n)]
    found = store.trial(trial).trial_id
    if found not in {row.trial_id for row in store.trials(name)}:
        raise GridsearchError(f"trial {short_id(found)} is not a trial of job {name!r}")
    return [([found], 1)]


def _best(store: Store, name: str, n: int) -> list[Place]:
    from gridsearch.analysis.best import best

    if found := best(store, name, n):
        return found
    from gridsearch.analysis.no_best import why_no_best

    raise GridsearchError(f"{why_no_best(store.job(name), store.trials(name))}; see: gridsearch status {quoted(name)}")


def _named(name: str) -> list[Path]:
    """Return the job files here and in `jobs/` whose job has a name that is not the file's."""
    from gridsearch.config.yaml_source import read_document

    found = []
    for path in [path for folder in (Path(), Path(paths.JOBS_NAME)) for path in sorted(folder.glob("*.y*ml"))]:
        with contextlib.suppress(GridsearchError):
            if path.suffix in _SUFFIXES and path.is_file() and read_document(path).data.get("name") == name:
                found.append(path)
    return found


def _candidates(argument: str) -> list[Path]:
    path = Path(argument)
    if path.suffix in _SUFFIXES:
        return [path, Path(paths.JOBS_NAME) / path]
    return [folder / f"{argument}{suffix}" for folder in (Path(), Path(paths.JOBS_NAME)) for suffix in _SUFFIXES] + [
        path
    ]
