"""Claims: who may train a lineage. A claim is taken, given up and lost only here and in `recording`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from gridsearch.errors import StoreError
from gridsearch.spec.outcomes import OPEN_STATES, TrialState
from gridsearch.store.bulk import execute_many
from gridsearch.store.jobs import job_key
from gridsearch.store.journal import CLAIMED, RELEASED, Cause, Event, log
from gridsearch.store.lookup import AnyRow, rows_in
from gridsearch.store.rows import Claim
from gridsearch.store.settling import settle
from gridsearch.store.tables import job_trials, lineages, trials

REOPENABLE = frozenset({TrialState.FAILED, TrialState.CANCELLED})

_TAKE = (
    update(lineages)
    .where(lineages.c.id == bindparam("key"), lineages.c.launch.is_(None))
    .values(launch=bindparam("holder"), attempt=bindparam("new_attempt"), heard_at=bindparam("now"))
)
_RUN = (
    update(trials)
    .where(trials.c.id == bindparam("key"))
    .values(state=TrialState.RUNNING, attempt=bindparam("new_attempt"), finished_at=None)
)
_SUSPEND = update(trials).where(trials.c.id == bindparam("key")).values(state=TrialState.PENDING)
_FREE = update(lineages).where(lineages.c.id == bindparam("key")).values(launch=None)
_REOPEN = (
    update(trials)
    .where(trials.c.id == bindparam("key"))
    .values(state=TrialState.PENDING, error=None, log=None, finished_at=None)
)


def claim(connection: Connection, targets: Mapping[str, int], cause: Cause) -> list[Claim]:
    """See `Store.claim`; `cause` names the launch, which must be open, and its job."""
    free = select(lineages).where(lineages.c.launch.is_(None))
    found = {row.lineage_id: row for row in rows_in(connection, free, lineages.c.lineage_id, targets)}
    waiting = _open_trials(connection, {row.id: targets[name] for name, row in found.items()})
    taken = [found[name] for name in targets if name in found and found[name].id in waiting]
    if not taken:
        return []
    takes = [{"key": row.id, "holder": cause.launch, "new_attempt": row.attempt + 1, "now": cause.at} for row in taken]
    if execute_many(connection, _TAKE, takes) != len(taken):
        raise StoreError("another launch took the same lineages in the same moment; launch again")
    runs = [{"key": key, "new_attempt": row.attempt + 1} for row in taken for key in waiting[row.id]]
    execute_many(connection, _RUN, runs)
    log(connection, cause, _claim_events(taken, waiting, targets, cause))
    return [Claim(row.lineage_id, row.attempt + 1, row.epoch, targets[row.lineage_id]) for row in taken]


def release(connection: Connection, cause: Cause, lineage_ids: Collection[str] | None = None) -> int:
    """See `Store.release`; `cause` names the launch."""
    statement = select(lineages).where(lineages.c.launch == cause.launch)
    if lineage_ids is None:
        held = list(connection.execute(statement))
    else:
        held = list(rows_in(connection, statement, lineages.c.lineage_id, lineage_ids))
    return end_claims(connection, [(row, Event(RELEASED)) for row in held], cause)


def end_claims(connection: Connection, ends: Collection[tuple[AnyRow, Event]], cause: Cause) -> int:
    """End claims, each for the reason its event gives; return how many running trials became pending."""
    if not ends:
        return 0
    keys = [row.id for row, _ in ends]
    execute_many(connection, _FREE, [{"key": key} for key in keys])
    running = select(trials.c.id, trials.c.lineage, trials.c.attempt)
    running = running.where(trials.c.state == TrialState.RUNNING)
    left = list(rows_in(connection, running, trials.c.lineage, keys))
    execute_many(connection, _SUSPEND, [{"key": row.id} for row in left])
    pending = str(TrialState.PENDING)
    suspended = [cause.event(pending, row.lineage, trial=row.id, attempt=row.attempt) for row in left]
    ended = [cause.event(why.kind, row.id, attempt=row.attempt, detail=why.detail) for row, why in ends]
    log(connection, cause, suspended + ended)
    return len(left)


def reopen(connection: Connection, job: str, states: Collection[TrialState], at: datetime) -> int:
    """See `Store.reopen`."""
    if refused := sorted(set(states) - REOPENABLE):
        raise StoreError(f"only failed or cancelled trials can be reopened, not {', '.join(refused)} ones")
    cause = Cause(at, job=job_key(connection, job))
    statement = (
        select(trials.c.id, trials.c.lineage, trials.c.attempt)
        .join_from(job_trials, trials)
        .where(job_trials.c.job == cause.job, trials.c.state.in_(sorted(states)))
        .order_by(job_trials.c.position)
    )
    found = list(connection.execute(statement))
    if found:
        execute_many(connection, _REOPEN, [{"key": row.id} for row in found])
        pending = str(TrialState.PENDING)
        log(
            connection,
            cause,
            (cause.event(pending, row.lineage, trial=row.id, attempt=row.attempt) for row in found),
        )
        settle(connection, {row.lineage for row in found}, cause)
    return len(found)


def _open_trials(connection: Connection, targets: Mapping[int, int]) -> dict[int, list[int]]:
    """Return, by lineage, the open trials within the lineage's target; lineages without any are left out."""
    statement = select(trials.c.id, trials.c.lineage, trials.c.epochs).where(trials.c.state.in_(sorted(OPEN_STATES)))
    waiting: dict[int, list[int]] = defaultdict(list)
    for row in rows_in(connection, statement, trials.c.lineage, targets):
        if row.epochs <= targets[row.lineage]:
            waiting[row.lineage].append(row.id)
    return dict(waiting)


def _claim_events(
    taken: Iterable[AnyRow], waiting: Mapping[int, list[int]], targets: Mapping[str, int], cause: Cause
) -> Iterator[Event]:
    for row in taken:
        attempt = row.attempt + 1
        yield cause.event(CLAIMED, row.id, attempt=attempt, detail={"target": targets[row.lineage_id]})
        for key in waiting[row.id]:
            yield cause.event(str(TrialState.RUNNING), row.id, trial=key, attempt=attempt)
