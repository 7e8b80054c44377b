"""Writing the log: every change of a job, launch, lineage or trial is an event, in the same transaction.

An event with a trial is a change of that trial, and its kind is the state the trial went into. Three changes
have no such row, because another row says it as well: a trial's birth (its `enqueued` names the event of that
kind under which its whole grid came, `pending` from then on), an epoch (its own row, with the attempt that
brought it) and what trains a lineage (a row of `trainings`, likewise).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from gridsearch.config.events import TrialState
from gridsearch.store.checked_tables import EVENTS
from gridsearch.store.schema.columns import to_json, to_text
from gridsearch.store.schema.tables import events
from gridsearch.store.write.bulk import execute_many

# Of a job.
JOB_CREATED = "job_created"
JOB_REVISED = "job_revised"
ENQUEUED = "enqueued"
# Of a launch.
LAUNCH_OPENED = "launch_opened"
LAUNCH_CLOSED = "launch_closed"
# Of a lineage: how a claim began and how it ended, and what came too late.
CLAIMED = "claimed"
RELEASED = "released"
FINISHED = "finished"
STOPPED = str(TrialState.STOPPED)
DIVERGED = str(TrialState.DIVERGED)
FAILED = str(TrialState.FAILED)
REFUSED = "refused"
#: Of a lineage, because an event with a trial is a change of that trial's state, which an evaluation is not.
EVALUATED = "evaluated"
_ADD = insert(events)
#: Lineage events after which nobody holds the lineage.
CLAIM_ENDS = frozenset({RELEASED, FINISHED, STOPPED, DIVERGED, FAILED})


@dataclass(frozen=True, slots=True)
class Event:
    """One change to be logged; the subjects are row numbers."""

    kind: str
    job: int | None = None
    launch: int | None = None
    lineage: int | None = None
    trial: int | None = None
    attempt: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def row(self, stamp: str) -> dict[str, Any]:
        """Return the row as it is stored, given the time of the change; table."""
        row: dict[str, Any] = {
            "at": stamp,
            "kind": self.kind,
            "job": self.job,
            "launch": self.launch,
            "lineage": self.lineage,
            "trial": self.trial,
            "attempt": self.attempt,
            "detail": to_json(self.detail) if self.detail else "{}",
        }
        return EVENTS.with_checksum(row)


@dataclass(frozen=True, slots=True)
class Cause:
    """When a change was made, by which launch and for which job; None where nobody trains."""

    at: datetime
    job: int | None = None
    launch: int | None = None

    @property
    def stamp(self) -> str:
        """The time as it is stored."""
        return to_text(self.at)

    def event(
        self,
        kind: str,
        lineage: int | None = None,
        *,
        trial: int | None = None,
        attempt: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> Event:
        """Return the event of a change that has this cause."""
        return Event(kind, self.job, self.launch, lineage, trial, attempt, detail or {})


def log(connection: Connection, cause: Cause, changes: Iterable[Event]) -> None:
    """Write events in order."""
    stamp = cause.stamp
    execute_many(connection, _ADD, (change.row(stamp) for change in changes))


def log_one(connection: Connection, cause: Cause, change: Event) -> int:
    """Write one event and return its number."""
    log(connection, cause, [change])
    return int(connection.execute(select(func.max(events.c.id))).scalar_one())
