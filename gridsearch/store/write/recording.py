"""Recording what workers report: the place where the fencing token is checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from gridsearch.config.events import (
    EpochMetrics,
    EpochRecord,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineagePlaced,
    LineageStopped,
    TrialState,
)
from gridsearch.config.metrics import LOSSES, METRICS, finite_or_none, is_loss, why_no_name
from gridsearch.store.checked_tables import EPOCHS, LINEAGES, TRIALS
from gridsearch.store.queries.keys import lineage_keys
from gridsearch.store.queries.lookup import rows_in
from gridsearch.store.queries.trials import trials_by_key
from gridsearch.store.rows import Recorded
from gridsearch.store.schema.columns import storable, to_json
from gridsearch.store.schema.tables import epochs, lineages, trials
from gridsearch.store.sqlite_errors import joined_lines
from gridsearch.store.write.answers import add_answers, fits_accuracy
from gridsearch.store.write.bulk import execute_many
from gridsearch.store.write.claims import LineageNow, end_claims, lineages_now
from gridsearch.store.write.event_log import DIVERGED, FAILED, FINISHED, REFUSED, STOPPED, Cause, Event, log
from gridsearch.store.write.finalize import finalize
from gridsearch.store.write.trainings import Placed, add_trainings

_NUMBERS = (*METRICS, "learning_rate", "seconds")
_ADD_EPOCHS = insert(epochs)
_RUNNING = select(*TRIALS.columns).where(trials.c.state == TrialState.RUNNING)


class _Trial(NamedTuple):
    id: int
    lineage: int
    attempt: int


_TRIAL = TRIALS.picker(_Trial._fields)


@dataclass(slots=True)
class _Progress:
    """A lineage while a batch is read; changed in memory, then written at once."""

    row: LineageNow
    epoch: int
    diverged_epoch: int | None
    stopped_epoch: int | None
    fresh: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, bytes] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    end: Event | None = None

    def take(self, event: LineageEvent) -> None:
        """Let an accepted event change the lineage."""
        match event:
            case EpochRecord() | EpochMetrics():
                self._take_epoch(event)
            case LineagePlaced():
                self.placed.append(Placed(self.row.id, event, recorded=self.epoch))
            case LineageStopped() if event.epoch == self.epoch >= 1 and self.diverged_epoch is None:
                self.stopped_epoch = event.epoch
                self.end = Event(STOPPED, detail={"epoch": event.epoch})
            case LineageStopped():
                self._break(f"it stopped after epoch {event.epoch} while {self.epoch} was the last one recorded")
            case LineageDiverged():
                self._diverge(event.epoch)
                self.end = Event(DIVERGED, detail={"epoch": event.epoch})
            case LineageFailed():
                self.end = Event(
                    FAILED, detail={"error": storable(joined_lines(event.error)) or "failed without a message"}
                )
            case LineageFinished():
                self.end = Event(FINISHED)

    def _take_epoch(self, record: EpochRecord | EpochMetrics) -> None:
        if record.epoch > self.epoch + 1:
            self._break(f"epoch {record.epoch} was reported while {self.epoch} was the last one recorded")
        elif record.epoch < 0 or not math.isfinite(record.seconds) or not _is_possible(record):
            self._break(f"epoch {record.epoch} was reported with impossible numbers: {record}")
        elif record.epoch == self.epoch + 1:
            values = epoch_values(self.row.id, record)
            self.fresh.append(values)
            self.epoch = record.epoch
            if isinstance(record, EpochRecord) and record.correct:
                self.answers[record.epoch] = record.correct
            if has_diverged(record):
                self._diverge(record.epoch)

    def _diverge(self, epoch: int) -> None:
        self.diverged_epoch = epoch if self.diverged_epoch is None else min(epoch, self.diverged_epoch)

    def _break(self, reason: str) -> None:
        self.end = Event(FAILED, detail={"error": f"defect in training: {reason}"})


def record(connection: Connection, cause: Cause, events: Sequence[LineageEvent], logs: Mapping[str, str]) -> Recorded:
    """See `Store.record`; `cause` names the launch."""
    names = dict.fromkeys(event.lineage_id for event in events)
    found = {
        row.lineage_id: _Progress(row, row.epoch, row.diverged_epoch, row.stopped_epoch)
        for row in lineages_now(connection, names, lineages.c.launch == cause.launch)
    }
    refused = []
    for event in events:
        progress = found.get(event.lineage_id)
        if progress is None or progress.end is not None or progress.row.attempt != event.attempt:
            refused.append(event)
        else:
            progress.take(event)
    _log_refused(connection, cause, refused)
    changed = [found[name] for name in names if name in found]
    finished = _write(connection, cause, changed, logs)
    order = {progress.row.lineage_id: place for place, progress in enumerate(changed)}
    rows = trials_by_key(connection, finished).values()
    ordered = sorted(rows, key=lambda row: (order[row.lineage_id], row.epochs))
    return Recorded(len(events) - len(refused), len(refused), ordered)


def _is_possible(record: EpochRecord | EpochMetrics) -> bool:
    if isinstance(record, EpochRecord):
        # One by the name of a field would be a second answer.
        sound = math.isfinite(record.learning_rate) and not set(METRICS).intersection(record.more)
        return sound and _are_metrics(record.more) and _may_have_right(record)
    return _are_metrics(record.metrics)


def _may_have_right(record: EpochRecord) -> bool:
    """Whether the images that an epoch has right are as many as its accuracy says, if it names any."""
    return not record.correct or (record.epoch >= 1 and fits_accuracy(record.correct, record.val_accuracy))


def _are_metrics(given: Mapping[str, float]) -> bool:
    numbers = [value for value in given.values() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    whole = (abs(value) for value in numbers if isinstance(value, int))
    fit = len(numbers) == len(given) and max(whole, default=0) <= sys.float_info.max
    return fit and not any(map(why_no_name, given))


def has_diverged(record: EpochRecord | EpochMetrics) -> bool:
    """Whether a loss of an epoch is infinite or NaN."""
    if isinstance(record, EpochRecord):
        return not all(math.isfinite(getattr(record, name)) for name in LOSSES)
    return not all(math.isfinite(value) for name, value in record.metrics.items() if is_loss(name))


def epoch_values(lineage: int, record: EpochRecord | EpochMetrics) -> dict[str, Any]:
    """Return the row of an epoch, with its checksum; a number that is not finite becomes None."""
    values: dict[str, Any] = {"lineage": lineage, "epoch": record.epoch, "attempt": record.attempt}
    if isinstance(record, EpochRecord):
        values |= {name: finite_or_none(float(getattr(record, name))) for name in _NUMBERS}
        return EPOCHS.with_checksum(values | {"metrics": _metrics_text(record.more) if record.more else None})
    values |= dict.fromkeys(_NUMBERS) | {"seconds": float(record.seconds)}
    return EPOCHS.with_checksum(values | {"metrics": _metrics_text(record.metrics)})


def _metrics_text(metrics: Mapping[str, float]) -> str:
    return to_json({name: finite_or_none(float(metrics[name])) for name in sorted(metrics)})


def _write(connection: Connection, cause: Cause, changed: Sequence[_Progress], logs: Mapping[str, str]) -> list[int]:
    """Write what a batch did to its lineages; return the trials that came to a final state."""
    execute_many(connection, _ADD_EPOCHS, (values for progress in changed for values in progress.fresh))
    add_answers(connection, {progress.row.id: progress.answers for progress in changed if progress.answers})
    add_trainings(connection, [placed for progress in changed for placed in progress.placed])
    moved: list[dict[str, Any]] = [
        {
            "id": progress.row.id,
            "epoch": progress.epoch,
            "diverged_epoch": progress.diverged_epoch,
            "stopped_epoch": progress.stopped_epoch,
            "heard_at": cause.stamp,
        }
        for progress in changed
        if progress.placed
        or (progress.epoch, progress.diverged_epoch, progress.stopped_epoch)
        != (progress.row.epoch, progress.row.diverged_epoch, progress.row.stopped_epoch)
    ]
    finished: list[int] = []
    if moved:
        LINEAGES.change(connection, moved)
        finished = finalize(connection, [values["id"] for values in moved], cause)
    ended = [(progress.row, progress.end) for progress in changed if progress.end is not None]
    finished += _fail(connection, cause, {row: end for row, end in ended if end.kind == FAILED}, logs)
    end_claims(connection, ended, cause)
    return finished


def _fail(connection: Connection, cause: Cause, failed: Mapping[Any, Event], logs: Mapping[str, str]) -> list[int]:
    """Make the running trials of failed lineages `failed`; return which."""
    paths = {name: storable(path) for name, path in logs.items()}
    reasons = {row.id: {"error": end.detail["error"], "log": paths.get(row.lineage_id)} for row, end in failed.items()}
    running = [_Trial._make(_TRIAL(row)) for row in rows_in(connection, _RUNNING, trials.c.lineage, reasons)]
    if running:
        changes = [
            {
                "id": row.id,
                "state": str(TrialState.FAILED),
                "error": reasons[row.lineage]["error"],
                "log": reasons[row.lineage]["log"],
                "finished_at": cause.stamp,
            }
            for row in running
        ]
        TRIALS.change(connection, changes)
        log(
            connection,
            cause,
            (
                cause.event(FAILED, row.lineage, trial=row.id, attempt=row.attempt, detail=reasons[row.lineage])
                for row in running
            ),
        )
    return [row.id for row in running]


def _log_refused(connection: Connection, cause: Cause, refused: Sequence[LineageEvent]) -> None:
    names = {event.lineage_id for event in refused}
    known = lineage_keys(connection, names)
    log(
        connection,
        cause,
        (
            cause.event(
                REFUSED,
                known.get(event.lineage_id),
                attempt=event.attempt,
                detail={"what": type(event).__name__, "epoch": getattr(event, "epoch", None)}
                | ({} if event.lineage_id in known else {"lineage_id": event.lineage_id}),
            )
            for event in refused
        ),
    )
