"""What a page shows of a store, as far as telling one state of it from another goes."""

from __future__ import annotations

from pathlib import Path

from gridsearch.paths import dashboard_page
from gridsearch.store.contract import Store

#: A job's revision, the last event of its launches, and how many of its trials were evaluated.
State = tuple[str, int, int, int]


def state_of(store: Store, job: str) -> State:
    """Return the state of a job."""
    now = store.changes(job, None)
    return job, now.revision, now.last, len(store.evaluations(job))


def job_of(store: Store, page: str) -> str | None:
    """Return the job whose page has this name."""
    return next((row.name for row in store.jobs() if dashboard_page(Path(), row.name).name == page), None)
