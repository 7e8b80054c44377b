"""Deriving from the events what every row should be by now, and comparing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from gridsearch.config.events import TrialState
from gridsearch.store.queries.lookup import batches, stored_columns
from gridsearch.store.rows import Problem
from gridsearch.store.schema.tables import jobs, launches, lineages, trials
from gridsearch.store.write import event_log


class Event(NamedTuple):
    """An event as stored."""

    id: int
    at: str
    kind: str
    job: int | None
    launch: int | None
    lineage: int | None
    trial: int | None
    attempt: int | None
    detail: str


@dataclass(slots=True)
class _Trial:
    state: str = str(TrialState.PENDING)
    attempt: int = 0
    diverged_epoch: int | None = None
    stopped_epoch: int | None = None
    error: str | None = None
    log: str | None = None
    finished_at: str | None = None


@dataclass(slots=True)
class _Lineage:
    attempt: int = 0
    launch: int | None = None


@dataclass(slots=True)
class _Launch:
    job: int | None
    started_at: str
    host: str
    pid: int
    pid_started: float
    workers: int
    process_table: str | None = None
    command: str | None = None
    git_commit: str | None = None
    versions: str | None = None
    git_clean: int | None = None
    ended_at: str | None = None
    outcome: str | None = None


@dataclass(slots=True)
class _Job:
    created_at: str
    updated_at: str
    revision: int
    grid: str
    changed: int


@dataclass(slots=True)
class Replay:
    """What the events say, by row number; `diverged` and `stopped` by lineage, `enqueued` by event, `texts` by job.

    `evaluated` are the ids of trials.
    """

    trials: dict[int, _Trial] = field(default_factory=dict)
    lineages: dict[int, _Lineage] = field(default_factory=dict)
    launches: dict[int, _Launch] = field(default_factory=dict)
    jobs: dict[int, _Job] = field(default_factory=dict)
    diverged: dict[int, int] = field(default_factory=dict)
    stopped: dict[int, int] = field(default_factory=dict)
    enqueued: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    evaluated: set[str] = field(default_factory=set)

    def apply(self, event: Any, detail: dict[str, Any]) -> None:
        """Let one event, as stored, with its parsed detail, change the picture."""
        if event.trial is not None:
            self._apply_to_trial(event, detail)
        elif event.lineage is not None:
            self._apply_to_lineage(event, detail)
        elif event.kind == event_log.ENQUEUED:
            self.enqueued[event.id] = detail["trials"]
        elif event.kind == event_log.LAUNCH_OPENED:
            self.launches[event.launch] = _Launch(job=event.job, started_at=event.at, **detail)
        elif event.kind == event_log.LAUNCH_CLOSED:
            self.launches[event.launch].ended_at = event.at
            self.launches[event.launch].outcome = detail["outcome"]
        elif event.kind in (event_log.JOB_CREATED, event_log.JOB_REVISED):
            first = self.jobs.get(event.job)
            created_at = first.created_at if first else event.at
            self.jobs[event.job] = _Job(created_at, event.at, detail["revision"], detail["grid"], event.id)
            self.texts[event.job] = detail["text"]

    def _apply_to_trial(self, event: Any, detail: dict[str, Any]) -> None:
        ended = event.kind not in (TrialState.PENDING, TrialState.RUNNING)
        self.trials[event.trial] = _Trial(
            state=event.kind,
            attempt=event.attempt,
            diverged_epoch=detail.get("epoch") if event.kind == TrialState.DIVERGED else None,
            stopped_epoch=detail.get("epoch") if event.kind == TrialState.STOPPED else None,
            error=detail.get("error"),
            log=detail.get("log"),
            finished_at=event.at if ended else None,
        )

    def _apply_to_lineage(self, event: Any, detail: dict[str, Any]) -> None:
        if (life := self.lineages.get(event.lineage)) is None:
            life = self.lineages[event.lineage] = _Lineage()
        if event.kind == event_log.CLAIMED:
            life.attempt, life.launch = event.attempt, event.launch
        elif event.kind in event_log.CLAIM_ENDS:
            life.launch = None
        if event.kind == event_log.DIVERGED:
            epoch = detail["epoch"]
            self.diverged[event.lineage] = min(epoch, self.diverged.get(event.lineage, epoch))
        if event.kind == event_log.STOPPED:
            self.stopped[event.lineage] = detail["epoch"]
        elif event.kind == event_log.EVALUATED:
            self.evaluated.add(detail["evaluated"])


def compare(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Yield the rows that are not what the events make them."""
    yield from _differences(connection, trials, _Trial, replay.trials, _Trial())
    yield from _differences(connection, lineages, _Lineage, replay.lineages, _Lineage())
    yield from _differences(connection, launches, _Launch, replay.launches, None)
    yield from _differences(connection, jobs, _Job, replay.jobs, None)


def _differences(
    connection: Connection, table: Table, life_of: type, expected: dict[int, Any], untouched: Any
) -> Iterator[Problem]:
    names = [part.name for part in fields(life_of)]
    in_life = attrgetter(*names)
    seen = set()
    statement = select(*stored_columns(table, ("id", *names)))
    for key, *row in chain.from_iterable(batches(connection, statement)):
        seen.add(key)
        life = expected.get(key, untouched)
        if life is None:
            yield Problem("events", f"{table.name} {key}", "the row is there, but no event made it")
            continue
        for name, found, told in zip(names, row, in_life(life), strict=True):
            if found != told or type(found) is not type(told):
                text = f"{name} is {found!r}, but the events say {told!r}"
                yield Problem("events", f"{table.name} {key}", text)
    for key in expected.keys() - seen:
        yield Problem("events", f"{table.name} {key}", "the events tell of it, but its row is missing")
