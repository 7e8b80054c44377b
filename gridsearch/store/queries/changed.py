"""Reading what has changed since: trials by the events that changed them, however many others there are."""

from __future__ import annotations

from operator import itemgetter

from sqlalchemy import Connection, func, select

from gridsearch.store.checked_tables import EVENTS, JOBS, checked
from gridsearch.store.queries.lookup import AnySelect, batches
from gridsearch.store.queries.trials import trials_by_key
from gridsearch.store.rows import Changes
from gridsearch.store.schema.tables import events
from gridsearch.store.write.jobs import stored_job

_EVENT = itemgetter(*map(EVENTS.names.index, ("id", "trial")))
_JOB = itemgetter(*map(JOBS.names.index, ("id", "revision")))
_EVENTS: AnySelect = select(*EVENTS.columns)


def changes(connection: Connection, job: str, after: int | None, most: int) -> Changes:
    """See `Store.changes`."""
    key, revision = _JOB(stored_job(connection, job))
    of_job = _EVENTS.where(events.c.job == key)
    if after is None:
        last = connection.scalar(select(func.max(events.c.id)).where(events.c.job == key))
        return Changes(int(revision), int(last or 0), (), whole=True)
    rows = checked(batches(connection, of_job.where(events.c.id > after).order_by(events.c.id).limit(most)), EVENTS)
    found = [_EVENT(row) for row in rows]
    by_key = trials_by_key(connection, dict.fromkeys(trial for _, trial in found if trial is not None))
    return Changes(int(revision), found[-1][0] if found else after, tuple(by_key.values()), whole=len(found) < most)
