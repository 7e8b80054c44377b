"""Claims: who may train a lineage. A claim is taken, given up and lost only here and in `recording`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from gridsearch.config.events import OPEN_STATES, TrialState
from gridsearch.errors import StoreError
from gridsearch.store.checked_tables import LINEAGES, TRIALS, checked
from gridsearch.store.queries.lookup import AnySelect, batches, batches_in, rows_in
from gridsearch.store.rows import Claim
from gridsearch.store.schema.tables import job_trials, lineages, trials
from gridsearch.store.write.event_log import CLAIMED, RELEASED, Cause, Event, log
from gridsearch.store.write.finalize import finalize
from gridsearch.store.write.jobs import job_key

REOPENABLE = frozenset({TrialState.FAILED, TrialState.CANCELLED})

_TRIALS: AnySelect = select(*TRIALS.columns)
_LINEAGES: AnySelect = select(*LINEAGES.columns)
_TRIAL_ID = TRIALS.names.index("trial_id")


class LineageNow(NamedTuple):
    """A lineage's row as it is before it changes, checked."""

    id: int
    lineage_id: str
    attempt: int
    epoch: int
    diverged_epoch: int | None
    stopped_epoch: int | None


class _Trial(NamedTuple):
    id: int
    lineage: int
    epochs: int
    attempt: int


_LINEAGE = LINEAGES.picker(LineageNow._fields)
_TRIAL = TRIALS.picker(_Trial._fields)


def lineages_now(
    connection: Connection, lineage_ids: Iterable[str] | None, condition: ColumnElement[bool]
) -> list[LineageNow]:
    """Return those of the lineages (None: of all) that a condition holds for."""
    statement = _LINEAGES.where(condition)
    if lineage_ids is None:
        found = batches(connection, statement)
    else:
        found = batches_in(connection, statement, lineages.c.lineage_id, lineage_ids)
    return [LineageNow._make(_LINEAGE(row)) for row in checked(found, LINEAGES)]


def claim(connection: Connection, targets: Mapping[str, int], cause: Cause) -> list[Claim]:
    """See `Store.claim`; `cause` names the launch, which must be open, and its job."""
    found = {row.lineage_id: row for row in lineages_now(connection, targets, lineages.c.launch.is_(None))}
    waiting = _open_trials(connection, {row.id: targets[name] for name, row in found.items()})
    taken = [found[name] for name in targets if name in found and found[name].id in waiting]
    if not taken:
        return []
    # Nobody else can have taken one since it was found free: this transaction excludes other writers.
    takes = [
        {"id": row.id, "launch": cause.launch, "attempt": row.attempt + 1, "heard_at": cause.stamp} for row in taken
    ]
    LINEAGES.change(connection, takes)
    runs = [
        {"id": key, "state": str(TrialState.RUNNING), "attempt": row.attempt + 1, "finished_at": None}
        for row in taken
        for key in waiting[row.id]
    ]
    TRIALS.change(connection, runs)
    log(connection, cause, _claim_events(taken, waiting, targets, cause))
    return [Claim(row.lineage_id, row.attempt + 1, row.epoch, targets[row.lineage_id]) for row in taken]


def release(connection: Connection, cause: Cause, lineage_ids: Collection[str] | None = None) -> int:
    """See `Store.release`; `cause` names the launch."""
    held = lineages_now(connection, lineage_ids, lineages.c.launch == cause.launch)
    return end_claims(connection, [(row, Event(RELEASED)) for row in held], cause)


def end_claims(connection: Connection, ends: Collection[tuple[LineageNow, Event]], cause: Cause) -> int:
    """End claims, each for the reason its event gives; return how many running trials became pending."""
    if not ends:
        return 0
    keys = [row.id for row, _ in ends]
    LINEAGES.change(connection, [{"id": key, "launch": None} for key in keys])
    running = _TRIALS.where(trials.c.state == TrialState.RUNNING)
    left = [_Trial._make(_TRIAL(row)) for row in rows_in(connection, running, trials.c.lineage, keys)]
    pending = str(TrialState.PENDING)
    TRIALS.change(connection, [{"id": row.id, "state": pending} for row in left])
    suspended = [cause.event(pending, row.lineage, trial=row.id, attempt=row.attempt) for row in left]
    ended = [cause.event(why.kind, row.id, attempt=row.attempt, detail=why.detail) for row, why in ends]
    log(connection, cause, suspended + ended)
    return len(left)


def reopen(
    connection: Connection, job: str, states: Collection[TrialState], among: Collection[str] | None, at: datetime
) -> int:
    """See `Store.reopen`."""
    if refused := sorted(set(states) - REOPENABLE):
        raise StoreError(f"only failed or cancelled trials can be reopened, not {', '.join(refused)} ones")
    cause = Cause(at, job=job_key(connection, job))
    statement = (
        _TRIALS.join(job_trials, job_trials.c.trial == trials.c.id)
        .where(job_trials.c.job == cause.job, trials.c.state.in_(sorted(states)))
        .order_by(job_trials.c.position)
    )
    wanted = None if among is None else frozenset(among)
    rows = connection.execute(statement)
    found = [_Trial._make(_TRIAL(row)) for row in rows if wanted is None or row[_TRIAL_ID] in wanted]
    if found:
        pending = str(TrialState.PENDING)
        blank = {"error": None, "log": None, "finished_at": None}
        TRIALS.change(connection, [{"id": row.id, "state": pending} | blank for row in found])
        log(
            connection,
            cause,
            (cause.event(pending, row.lineage, trial=row.id, attempt=row.attempt) for row in found),
        )
        finalize(connection, {row.lineage for row in found}, cause)
    return len(found)


def _open_trials(connection: Connection, targets: Mapping[int, int]) -> dict[int, list[int]]:
    """Return, by lineage, the open trials within the lineage's target; lineages without any are left out."""
    statement = _TRIALS.where(trials.c.state.in_(sorted(OPEN_STATES)))
    waiting: dict[int, list[int]] = defaultdict(list)
    for found in rows_in(connection, statement, trials.c.lineage, targets):
        row = _Trial._make(_TRIAL(found))
        if row.epochs <= targets[row.lineage]:
            waiting[row.lineage].append(row.id)
    return dict(waiting)


def _claim_events(
    taken: Iterable[LineageNow], waiting: Mapping[int, list[int]], targets: Mapping[str, int], cause: Cause
) -> Iterator[Event]:
    for row in taken:
        attempt = row.attempt + 1
        yield cause.event(CLAIMED, row.id, attempt=attempt, detail={"target": targets[row.lineage_id]})
        for key in waiting[row.id]:
            yield cause.event(str(TrialState.RUNNING), row.id, trial=key, attempt=attempt)
