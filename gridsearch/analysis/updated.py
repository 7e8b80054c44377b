"""When something last became of a job: its last revision, what its launches did since, and what they do just now."""

from __future__ import annotations

from datetime import datetime

from gridsearch.store.contract import Store
from gridsearch.store.rows import JobRow


def updated_at(store: Store, row: JobRow) -> datetime:
    """Return the time of the last change, epochs that were just recorded included.

    The job's own time is that of its last revision; what its launches did since are events, and of an epoch, which is
    none, the lineage's worker was heard.
    """
    last = [event.at for event in store.events(job=row.name, limit=1)]
    heard = [one.heard_at for one in store.at_work(row.name)]
    return max([row.updated_at, *last, *heard])
