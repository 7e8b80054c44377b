"""Invariants of trials, grids, claims and evaluations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.identity import digest, grid_digest
from gridsearch.config.trial_builder import TrialReader
from gridsearch.store.queries.lookup import as_stored, batches, every, stored_columns
from gridsearch.store.rows import Problem
from gridsearch.store.schema.tables import (
    answers,
    epochs,
    formations,
    job_trials,
    jobs,
    launches,
    lineages,
    trainings,
    trials,
)
from gridsearch.store.verify.replay import Replay
from gridsearch.store.write.answers import fits_accuracy
from gridsearch.store.write.evaluations import fault_of, unchecked_evaluations
from gridsearch.store.write.jobs import text_digest


class _Trial(NamedTuple):
    trial_id: str
    epochs: int
    config: str
    enqueued: int


def trials_are_who_they_say(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Ids are the hashes of the configurations, and every trial came under one event `enqueued`."""
    statement = select(*stored_columns(trials, _Trial._fields), lineages.c.lineage_id).join_from(trials, lineages)
    born: Counter[Any] = Counter()
    reader = TrialReader()
    for *values, lineage in chain.from_iterable(batches(connection, statement)):
        row = _Trial._make(values)
        born[row.enqueued] += 1
        if digest(str(row.config)) != row.trial_id:
            yield Problem("identity", f"trial {row.trial_id}", "its id is not the hash of its configuration")
        else:
            yield from _lineage_fits(row, lineage, reader)
    for event in sorted(born.keys() | replay.enqueued.keys(), key=str):
        if born[event] != replay.enqueued.get(event):
            told = replay.enqueued.get(event, "nothing")
            yield Problem("events", f"events {event}", f"it enqueued {told}, but {born[event]} trials name it")


def _lineage_fits(row: _Trial, lineage_id: str, reader: TrialReader) -> Iterator[Problem]:
    subject = f"trial {row.trial_id}"
    try:
        config, lineage = reader.parse_with_lineage(row.config)
    except (ValueError, TypeError, KeyError) as error:
        yield Problem("identity", subject, f"its configuration is not valid in this version: {error}")
        return
    if config.epochs != row.epochs:
        yield Problem("identity", subject, f"it has {row.epochs} epochs, its configuration {config.epochs}")
    if lineage != lineage_id:
        yield Problem("identity", subject, f"it does not belong to lineage {lineage_id}")


def jobs_have_their_grid(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Positions count from 0, and the grid and what the job says are what was put."""
    statement = (
        select(job_trials.c.job, job_trials.c.position, trials.c.trial_id)
        .join_from(job_trials, trials)
        .order_by(job_trials.c.job, job_trials.c.position)
    )
    members = chain.from_iterable(batches(connection, statement))
    grids = {key: [row[1:] for row in rows] for key, rows in groupby(members, key=itemgetter(0))}
    for row in connection.execute(select(*as_stored(jobs))):
        grid = grids.get(row.id, [])
        if [position for position, _ in grid] != list(range(len(grid))):
            yield Problem("grid", f"job {row.name}", "the positions of its trials are not 0, 1, 2, ...")
        if grid_digest(str(trial) for _, trial in grid) != row.grid:
            yield Problem("grid", f"job {row.name}", "its trials are not those of its grid")
        if text_digest(str(row.name), str(row.spec), str(row.source)) != replay.texts.get(row.id):
            yield Problem("job", f"job {row.name}", "its specification is not the one that was put")


def claims_are_held(connection: Connection) -> Iterator[Problem]:
    """A running trial's lineage is held, under the trial's attempt, by a launch that is open."""
    statement = (
        select(
            trials.c.trial_id,
            trials.c.attempt,
            lineages.c.attempt.label("lineage_attempt"),
            lineages.c.launch,
            launches.c.ended_at,
        )
        .join_from(trials, lineages)
        .join(launches, lineages.c.launch == launches.c.id, isouter=True)
        .where(trials.c.state == TrialState.RUNNING)
    )
    for row in connection.execute(statement):
        if row.launch is None:
            yield Problem("claim", f"trial {row.trial_id}", "it is running, but nobody holds its lineage")
        elif row.ended_at is not None:
            yield Problem("claim", f"trial {row.trial_id}", f"it is running under launch {row.launch}, which ended")
        elif row.attempt != row.lineage_attempt:
            text = f"it is running under attempt {row.attempt}, its lineage under {row.lineage_attempt}"
            yield Problem("claim", f"trial {row.trial_id}", text)
    held = select(lineages.c.lineage_id, launches.c.id).join_from(lineages, launches)
    for name, launch in connection.execute(held.where(launches.c.ended_at.isnot(None))):
        yield Problem("claim", f"lineage {name}", f"launch {launch} holds it, but has ended")


def trainings_fit(connection: Connection) -> Iterator[Problem]:
    """A lineage's trainings count from 0, under its attempts, and it has a place in each formation that has any."""
    places = {
        row.id: {place[0]: place[1] for place in row.places["places"]}
        for row in connection.execute(select(formations.c.id, formations.c.places))
    }
    statement = (
        select(trainings, lineages.c.lineage_id, lineages.c.attempt.label("attempts"), lineages.c.epoch.label("last"))
        .join_from(trainings, lineages)
        .order_by(trainings.c.lineage, trainings.c.number)
    )
    for key, rows in groupby(every(connection, statement), key=lambda row: row.lineage):
        found = list(rows)
        subject = f"lineage {found[0].lineage_id}"
        if [row.number for row in found] != list(range(len(found))):
            yield Problem("trainings", subject, "what trained it should be numbered 0, 1, 2, ...")
        for row in found:
            if not 1 <= row.attempt <= row.attempts or row.recorded > row.last:
                yield Problem(
                    "trainings", subject, f"it was placed under none of its {row.attempts} attempts or epochs"
                )
            if places[row.formation] and places[row.formation].get(key) != row.epoch:
                yield Problem("trainings", subject, f"it has no place in formation {row.formation} from that epoch on")


def answers_fit(connection: Connection) -> Iterator[Problem]:
    """The images that an epoch has right are as many as its accuracy says."""
    statement = select(
        lineages.c.lineage_id, answers.c.epoch, answers.c.correct, epochs.c.val_accuracy, epochs.c.lineage
    ).select_from(
        answers.join(lineages, lineages.c.id == answers.c.lineage).join(
            epochs, (epochs.c.lineage == answers.c.lineage) & (epochs.c.epoch == answers.c.epoch), isouter=True
        )
    )
    for name, epoch, correct, accuracy, recorded in connection.execute(statement):
        subject = f"lineage {name}"
        if recorded is None:
            yield Problem("answers", subject, f"images are right in epoch {epoch}, which is not recorded")
        elif not fits_accuracy(correct, accuracy):
            text = f"the images that are right in epoch {epoch} are not as many as its accuracy {accuracy} says"
            yield Problem("answers", subject, text)


def evaluations_fit(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Every evaluation is one that the events tell of, of a trial that has a score, and its numbers are possible."""
    found = {row.trial_id: row for row in unchecked_evaluations(connection)}
    for name in sorted(replay.evaluated ^ found.keys()):
        text = "it was evaluated, but no event says so" if name in found else "its evaluation is missing"
        yield Problem("events", f"trial {name}", text)
    statement = select(trials.c.trial_id, trials.c.state, trials.c.epochs).where(trials.c.trial_id.in_(list(found)))
    for row in connection.execute(statement):
        if row.state not in RESULT_STATES - {TrialState.DIVERGED}:
            yield Problem("evaluation", f"trial {row.trial_id}", f"it was evaluated, but is {row.state}")
        elif fault := fault_of(found[row.trial_id], row.epochs):
            yield Problem("evaluation", f"trial {row.trial_id}", fault)
