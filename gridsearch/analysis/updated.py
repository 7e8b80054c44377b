"""When something last became of a job: its last revision, what its launches did since, and what they do just now."""

from __future__ import annotations

from datetime import datetime

from gridsearch.store.contract import Store
from gridsearch.store.rows import JobRow


def updated_at(store: Store, row: JobRow) -> datetime:
    """Return the time of a job's last change, epochs that were just recorded included.

    The job's own time is that of its last revision; what its launches did since is in the events, and of an epoch,
    which is not an event, in the time at which its lineage's worker was last heard.
    """
    last = [event.at for event in store.events(job=row.name, limit=1)]
    heard = [one.heard_at for one in store.at_work(row.name)]
    return max([row.updated_at, *last, *heard])
