"""Weights that launches gathered, and that no launch will look at again: ends of launches remove them, if they come."""

from __future__ import annotations

from pathlib import Path

from gridsearch import paths
from gridsearch.config.events import OPEN_STATES
from gridsearch.engine.trained.retention import best_trials, keep_by_size, trial_epoch
from gridsearch.engine.trained.weights import has_weights
from gridsearch.store.contract import Store


def spare_readings(store: Store, store_path: Path) -> list[Path]:
    """Return folders of gathered weights, one for each lineage.

    They are of jobs that are not in the store, of lineages that left their job's grid, or of jobs that have ended and
    whose best trials' weights are written. A job with an open launch keeps all that it has gathered.
    """
    root = paths.readings_dir(store_path)
    open_jobs = {launch.job for launch in store.open_launches()}
    named = {paths.file_stem(job.name): job.name for job in store.jobs()}
    spare: list[Path] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        gathered = sorted(lineage for lineage in folder.iterdir() if lineage.is_dir()) if folder.is_dir() else []
        name = named.get(folder.name)
        if name in open_jobs:
            continue
        wanted = set() if name is None or _is_done(store, store_path, name) else _lineages(store, name)
        spare += [lineage for lineage in gathered if lineage.name not in wanted]
    return spare


def _lineages(store: Store, name: str) -> set[str]:
    return {row.lineage_id for row in store.trials(name)}


def _is_done(store: Store, store_path: Path, name: str) -> bool:
    """Whether a job has nothing left to train, and the weights that its launches keep by default are all written."""
    if OPEN_STATES & set(store.counts(name)):
        return False
    objective = store.job(name).record.objective
    for row in best_trials(store, name, keep_by_size(store, name)):
        epoch = trial_epoch(objective, row, store.epochs([row.lineage_id]))
        if not has_weights(paths.weights_file(store_path, row.trial_id), row.trial_id, epoch):
            return False
    return True
