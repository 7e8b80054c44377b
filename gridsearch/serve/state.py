"""What a page shows of a store, as far as telling one state of it from another goes."""

from __future__ import annotations

from pathlib import Path

from gridsearch.paths import dashboard_page
from gridsearch.store.contract import Store
from gridsearch.store.signs_of_life import Life, holders, life

#: A job, its revision, the last event of its launches, how many of its trials were evaluated, and what is known of the
#: launches that may be training it.
State = tuple[str, int, int, int, tuple[tuple[int, Life], ...]]


def state_of(store: Store, job: str) -> State:
    """Return the state of a job."""
    now = store.changes(job, None)
    lives = tuple((one.launch_id, life(one)) for one in holders(store.open_launches(), job))
    return job, now.revision, now.last, len(store.evaluations(job)), lives


def job_of(store: Store, page: str) -> str | None:
    """Return the job whose page has this name."""
    return next((row.name for row in store.jobs() if dashboard_page(Path(), row.name).name == page), None)
