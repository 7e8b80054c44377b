"""Reading since when workers have been silent: what is claimed together is with one worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, select

from gridsearch.store.jobs import job_key
from gridsearch.store.journal import CLAIMED
from gridsearch.store.lookup import AnyRow, rows_in
from gridsearch.store.rows import AtWork
from gridsearch.store.sealed import LINEAGES
from gridsearch.store.tables import events, launches, lineages


def at_work(connection: Connection, job: str) -> list[AtWork]:
    """See `Store.at_work`."""
    claimed = and_(events.c.lineage == lineages.c.id, events.c.attempt == lineages.c.attempt, events.c.kind == CLAIMED)
    statement = (
        select(lineages.c.launch, events.c.at, lineages.c.lineage_id, lineages.c.heard_at, lineages.c.id)
        .join_from(lineages, launches, lineages.c.launch == launches.c.id)
        .join(events, claimed)
        .where(launches.c.job == job_key(connection, job), launches.c.ended_at.is_(None))
        .order_by(events.c.id)
    )
    found: dict[tuple[int, datetime], list[AnyRow]] = {}
    rows: Sequence[AnyRow] = connection.execute(statement).fetchall()
    keys = {row.id for row in rows}
    for checked in rows_in(connection, select(*LINEAGES.columns), lineages.c.id, keys):
        LINEAGES.check(checked)
    for row in rows:
        found.setdefault((row.launch, row.at), []).append(row)
    return [
        AtWork(
            launch_id=launch,
            lineage_ids=tuple(row.lineage_id for row in together),
            heard_at=max(row.heard_at or claimed_at for row in together),
        )
        for (launch, claimed_at), together in found.items()
    ]
