"""Reading since when workers have been silent: what is claimed together is with one worker."""

from __future__ import annotations

from operator import itemgetter

from sqlalchemy import Connection, and_, select

from gridsearch.store.checked_tables import EVENTS, LAUNCHES, LINEAGES, checked
from gridsearch.store.queries.lookup import AnySelect, Values, batches, batches_in
from gridsearch.store.rows import AtWork
from gridsearch.store.schema.columns import to_time
from gridsearch.store.schema.tables import events, lineages
from gridsearch.store.write.event_log import CLAIMED
from gridsearch.store.write.jobs import job_key

_LAUNCHES: AnySelect = select(*LAUNCHES.columns)
#: Lineages with the event by which they were claimed last; without it one is damaged, and not left out.
_CLAIMS: AnySelect = select(*LINEAGES.columns, *EVENTS.columns).join_from(
    lineages,
    events,
    and_(events.c.lineage == lineages.c.id, events.c.attempt == lineages.c.attempt, events.c.kind == CLAIMED),
    isouter=True,
)
_LAUNCH = itemgetter(*map(LAUNCHES.names.index, ("id", "job", "ended_at", "workers")))
_LINEAGE_ID, _HELD_BY, _HEARD_AT = (LINEAGES.names.index(name) for name in ("lineage_id", "launch", "heard_at"))
_CLAIM, _CLAIMED_AT = (LINEAGES.width + EVENTS.names.index(name) for name in ("id", "at"))


def at_work(connection: Connection, job: str) -> list[AtWork]:
    """See `Store.at_work`."""
    key = job_key(connection, job)
    all_launches = map(_LAUNCH, checked(batches(connection, _LAUNCHES), LAUNCHES))
    holders = {number: workers for number, of, ended_at, workers in all_launches if of == key and ended_at is None}
    if not holders:
        return []
    LINEAGES.check_all(connection)  # one may only look as if nobody held it
    claims = checked(batches_in(connection, _CLAIMS, lineages.c.launch, list(holders)), LINEAGES, EVENTS)
    together: dict[tuple[int, str], list[Values]] = {}
    for row in sorted(claims, key=itemgetter(_CLAIM)):
        together.setdefault((row[_HELD_BY], row[_CLAIMED_AT]), []).append(row)
    # Workers take what is claimed in that order: what there is no worker for waits its turn, and is not silent.
    for launch, workers in holders.items():
        for waiting in [group for group in together if group[0] == launch][workers:]:
            del together[waiting]
    return [
        AtWork(
            launch_id=launch,
            lineage_ids=tuple(row[_LINEAGE_ID] for row in found),
            heard_at=max(to_time(row[_HEARD_AT] or claimed_at) for row in found),
        )
        for (launch, claimed_at), found in together.items()
    ]
