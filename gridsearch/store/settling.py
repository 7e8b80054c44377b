"""Giving open trials the answer that their lineage already has.

Invariant after every transaction: no open trial's lineage has recorded its last epoch, or diverged or stopped by then.
So an answer reaches a trial whichever comes first, the trial or the epoch, and whoever trained the lineage.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from gridsearch.spec.identity import flatten
from gridsearch.spec.outcomes import METRICS, OPEN_STATES, TrialState
from gridsearch.spec.stopping import best_epoch
from gridsearch.store.bulk import execute_many
from gridsearch.store.journal import Cause, log
from gridsearch.store.lookup import rows_in
from gridsearch.store.tables import epochs, lineages, trials

_LOSSES = ("train_loss", "val_loss")

_ANSWERED = (
    select(
        trials.c.id,
        trials.c.lineage,
        trials.c.epochs,
        lineages.c.attempt.label("lineage_attempt"),
        trials.c.config,
        lineages.c.diverged_epoch,
        lineages.c.stopped_epoch,
    )
    .join_from(trials, lineages)
    .where(
        trials.c.state.in_(sorted(OPEN_STATES)),
        or_(
            trials.c.epochs <= lineages.c.epoch,
            trials.c.epochs >= lineages.c.diverged_epoch,
            trials.c.epochs > lineages.c.stopped_epoch,
        ),
    )
)
_SETTLE = (
    update(trials)
    .where(trials.c.id == bindparam("key"))
    .values(
        {
            name: bindparam("new_" + name)
            for name in ("state", "attempt", *METRICS, "diverged_epoch", "stopped_epoch", "seconds", "finished_at")
        }
    )
)


def settle(connection: Connection, keys: Collection[int], cause: Cause) -> list[int]:
    """Complete, or mark as diverged or stopped, the open trials of these lineages that have an answer; return which."""
    answered = list(rows_in(connection, _ANSWERED, trials.c.lineage, keys))
    if not answered:
        return []
    curves = _curves(connection, {row.lineage for row in answered})
    changes = [_answer(row, curves[row.lineage], cause.stamp) for row in answered]
    execute_many(connection, _SETTLE, changes)
    log(
        connection,
        cause,
        (
            cause.event(
                change["new_state"],
                row.lineage,
                trial=row.id,
                attempt=change["new_attempt"],
                detail=_detail(change),
            )
            for row, change in zip(answered, changes, strict=True)
        ),
    )
    return [row.id for row in answered]


def not_finite(row: Any) -> bool:
    """Whether an epoch as recorded has a loss that was not finite."""
    return any(getattr(row, name) is None for name in _LOSSES)


def total_seconds(curve: Collection[Any], last: int) -> float:
    """Return the seconds of the epochs up to `last`, exactly rounded: `verify` compares for equality."""
    return math.fsum(row.seconds for row in curve if row.epoch <= last)


def last_epoch(trial: Any, lineage: Any) -> int:
    """Return the last epoch of a trial that did not diverge: its own, or the one its lineage stopped after."""
    return int(trial.epochs if lineage.stopped_epoch is None else min(trial.epochs, lineage.stopped_epoch))


def epoch_read(config: str, curve: Sequence[Any], last: int) -> int:
    """Return the epoch whose numbers are a trial's, the last being `last`; the curve counts from epoch 0."""
    # Parsing every configuration would take longer than all else here.
    if '"restore_best"' in config and flatten(config)["restore_best"]:
        return best_epoch([row.val_loss for row in curve[: last + 1]])
    return last


def _curves(connection: Connection, keys: Collection[int]) -> dict[int, list[Any]]:
    statement = select(
        epochs.c.lineage, epochs.c.epoch, epochs.c.attempt, epochs.c.seconds, *(epochs.c[name] for name in METRICS)
    ).order_by(epochs.c.lineage, epochs.c.epoch)
    curves: dict[int, list[Any]] = defaultdict(list)
    for row in rows_in(connection, statement, epochs.c.lineage, keys):
        curves[row.lineage].append(row)
    return curves


def _answer(row: Any, curve: list[Any], stamp: str) -> dict[str, Any]:
    last = last_epoch(row, row)
    final = curve[last] if last < len(curve) else None
    values: dict[str, Any] = {
        "key": row.id,
        "new_finished_at": stamp,
        "new_diverged_epoch": None,
        "new_stopped_epoch": None,
    }
    if final is not None and (row.diverged_epoch is None or not not_finite(final)):
        stopped = last < row.epochs
        values |= {"new_state": str(TrialState.STOPPED if stopped else TrialState.COMPLETED)}
        values |= {"new_attempt": final.attempt, "new_stopped_epoch": last if stopped else None}
        numbers = curve[epoch_read(row.config, curve, last)]
    else:
        values |= {"new_state": str(TrialState.DIVERGED), "new_attempt": row.lineage_attempt}
        values["new_diverged_epoch"] = last = row.diverged_epoch
        numbers = next((epoch for epoch in curve if epoch.epoch == last and not_finite(epoch)), None)
    values |= {"new_" + name: getattr(numbers, name, None) for name in METRICS}
    return values | {"new_seconds": total_seconds(curve, last)}


def _detail(change: dict[str, Any]) -> dict[str, Any]:
    epochs_told = (change["new_diverged_epoch"], change["new_stopped_epoch"])
    return next(({"epoch": epoch} for epoch in epochs_told if epoch is not None), {})
