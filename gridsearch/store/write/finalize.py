"""Giving open trials the answer that their lineage already has.

Invariant after every transaction: no open trial's lineage has recorded its last epoch, or diverged or stopped by then.
So an answer reaches a trial whichever comes first, the trial or the epoch, and whoever trained the lineage.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_

from gridsearch.config.events import OPEN_STATES, TrialState
from gridsearch.config.identity import flatten
from gridsearch.config.metrics import LOSSES, METRICS, is_loss
from gridsearch.config.trial_epoch import last_epoch, recorded_epoch
from gridsearch.store.checked_tables import EPOCHS, LINEAGES, TRIALS, checked
from gridsearch.store.queries.checked_epochs import checked_epochs
from gridsearch.store.queries.grids import TRIALS_WITH_LINEAGES
from gridsearch.store.queries.lookup import AnySelect, batches_in
from gridsearch.store.schema.columns import to_metrics
from gridsearch.store.schema.tables import lineages, trials
from gridsearch.store.write.event_log import Cause, log

_LOSSES_OF = attrgetter(*LOSSES)
_ANSWERED: AnySelect = TRIALS_WITH_LINEAGES.where(
    trials.c.state.in_(sorted(OPEN_STATES)),
    or_(
        trials.c.epochs <= lineages.c.epoch,
        trials.c.epochs >= lineages.c.diverged_epoch,
        trials.c.epochs > lineages.c.stopped_epoch,
    ),
)
#: The fields of `_Open` that are its lineage's, and what they are called there.
_OF_LINEAGE = {"lineage_attempt": "attempt", "diverged_epoch": "diverged_epoch", "stopped_epoch": "stopped_epoch"}


class _Open(NamedTuple):
    """An open trial whose lineage has the answer."""

    id: int
    lineage: int
    epochs: int
    config: str
    lineage_attempt: int
    diverged_epoch: int | None
    stopped_epoch: int | None


class _Epoch(NamedTuple):
    epoch: int
    attempt: int
    seconds: float
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float | None
    metrics: str | None


_OPEN = itemgetter(
    *(
        TRIALS.width + LINEAGES.names.index(_OF_LINEAGE[name]) if name in _OF_LINEAGE else TRIALS.names.index(name)
        for name in _Open._fields
    )
)
_EPOCH = EPOCHS.picker(_Epoch._fields)


def finalize(connection: Connection, keys: Collection[int], cause: Cause) -> list[int]:
    """Complete, or mark as diverged or stopped, the open trials of these lineages that have an answer; return which."""
    found = checked(batches_in(connection, _ANSWERED, trials.c.lineage, keys), TRIALS, LINEAGES)
    answered = [_Open._make(_OPEN(row)) for row in found]
    if not answered:
        return []
    stored = checked_epochs(connection, {row.lineage for row in answered})
    curves = {key: [_Epoch._make(_EPOCH(row)) for row in curve] for key, curve in stored.items()}
    changes = [_answer(row, curves.get(row.lineage, []), cause.stamp) for row in answered]
    TRIALS.change(connection, changes)
    log(
        connection,
        cause,
        (
            cause.event(
                change["state"],
                row.lineage,
                trial=row.id,
                attempt=change["attempt"],
                detail=_detail(change),
            )
            for row, change in zip(answered, changes, strict=True)
        ),
    )
    return [row.id for row in answered]


def not_finite(row: Any) -> bool:
    """Whether an epoch as recorded has a loss that was not finite."""
    if row.learning_rate is not None:
        return None in _LOSSES_OF(row)
    # Of what our own loop did not train, all metrics are there by name.
    return any(value is None and is_loss(name) for name, value in to_metrics(row.metrics).items())


def total_seconds(epochs: Sequence[int], seconds: Sequence[float], last: int) -> float:
    """Return the seconds of the epochs, ascending, up to `last`, exactly rounded: `verify` compares for equality."""
    return math.fsum(seconds[: bisect_right(epochs, last)])


def epoch_read(config: str, val_losses: Sequence[float | None], last: int) -> int:
    """Return the epoch whose numbers are a trial's, the last being `last`; the losses count from epoch 0."""
    # Parsing every configuration would take longer than all else here.
    restore_best = '"restore_best"' in config and bool(flatten(config)["restore_best"])
    return recorded_epoch(val_losses[: last + 1], restore_best=restore_best)


def _answer(row: Any, curve: list[Any], stamp: str) -> dict[str, Any]:
    last = last_epoch(row.epochs, row.stopped_epoch)
    final = curve[last] if last < len(curve) else None
    values: dict[str, Any] = {
        "id": row.id,
        "finished_at": stamp,
        "diverged_epoch": None,
        "stopped_epoch": None,
    }
    if final is not None and (row.diverged_epoch is None or not not_finite(final)):
        stopped = last < row.epochs
        values |= {"state": str(TrialState.STOPPED if stopped else TrialState.COMPLETED)}
        values |= {"attempt": final.attempt, "stopped_epoch": last if stopped else None}
        numbers = curve[epoch_read(row.config, [epoch.val_loss for epoch in curve], last)]
    else:
        values |= {"state": str(TrialState.DIVERGED), "attempt": row.lineage_attempt}
        values["diverged_epoch"] = last = row.diverged_epoch
        numbers = next((epoch for epoch in curve if epoch.epoch == last and not_finite(epoch)), None)
    values |= {name: getattr(numbers, name, None) for name in (*METRICS, "metrics")}
    seconds = total_seconds([epoch.epoch for epoch in curve], [epoch.seconds for epoch in curve], last)
    return values | {"seconds": seconds}


def _detail(change: dict[str, Any]) -> dict[str, Any]:
    epochs_told = (change["diverged_epoch"], change["stopped_epoch"])
    return next(({"epoch": epoch} for epoch in epochs_told if epoch is not None), {})
