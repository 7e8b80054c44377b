"""A job of either kind, loaded and then tried: our own loop trains it (`preparation`), or the user's code does."""

from __future__ import annotations

from pathlib import Path

from gridsearch.config.job import JobSpec
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.own_preparation import PreparedOwn, load_own, preflight_own
from gridsearch.engine.prepare.preparation import PreparedJob, load_job, preflight
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.store.contract import Store


def prepare(job: JobSpec, data_dir: Path, *, limits: Limits, teacher: str = "", store: Store | None = None) -> Prepared:
    """Load a job, and try it: all but what a store tells of (`preparation.preflight`)."""
    return tried(load(job, data_dir, teacher=teacher, limits=limits), limits, store)


def load(job: JobSpec, data_dir: Path, *, teacher: str = "", limits: Limits | None = None) -> Prepared:
    """Load what a job needs, expand its grid and check it, all but what the user's code does.

    `teacher` and `limits` as for `preparation.load_job`.
    """
    return load_own(job) if job.own else load_job(job, data_dir, teacher=teacher, limits=limits)


def tried(loaded: Prepared, limits: Limits, store: Store | None = None) -> Prepared:
    """Return a loaded job with what trying the user's code and the models has shown."""
    if isinstance(loaded, PreparedOwn):
        return preflight_own(loaded, limits)
    assert isinstance(loaded, PreparedJob)
    return preflight(loaded, store)
