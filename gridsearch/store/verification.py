"""The invariants of a store; `verify` returns those that do not hold.

The checks go from the ground up: the file, then the two logs (`epochs` and `events`, each row of which is
sealed), then everything that must follow from them. Where the ground is damaged, that alone is reported: what
stands on it cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, select

from gridsearch.store.checks import (
    claims_are_held,
    evaluations_fit,
    jobs_have_their_grid,
    trainings_fit,
    trials_are_who_they_say,
)
from gridsearch.store.curve_checks import results_are_recorded
from gridsearch.store.evaluations import SEALED as SEALED_OF_EVALUATIONS
from gridsearch.store.journal import SEALED as SEALED_OF_EVENTS
from gridsearch.store.lookup import AnyRow, as_stored, every
from gridsearch.store.recording import SEALED as SEALED_OF_EPOCHS
from gridsearch.store.replay import Replay, compare
from gridsearch.store.rows import Problem
from gridsearch.store.schema import columns_in, expected_columns
from gridsearch.store.seals import seal
from gridsearch.store.tables import epochs, evaluations, events, formations, trainings
from gridsearch.store.trainings import SEALED_OF_FORMATIONS, SEALED_OF_TRAININGS


def verify(connection: Connection) -> list[Problem]:
    """Check every invariant and return those that do not hold."""
    replay = Replay()
    for ground in (_file(connection), _schema(connection), _seals(connection), _replay(connection, replay)):
        if problems := list(ground):
            return problems
    return [
        *compare(connection, replay),
        *trials_are_who_they_say(connection, replay),
        *jobs_have_their_grid(connection, replay),
        *claims_are_held(connection),
        *results_are_recorded(connection, replay),
        *trainings_fit(connection),
        *evaluations_fit(connection, replay),
    ]


def _file(connection: Connection) -> Iterator[Problem]:
    for row in connection.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Problem("integrity", "file", str(row[0]))
    for table, key, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Problem("foreign_key", f"{table} {key}", f"it refers to a row of {parent} that is not there")


def _schema(connection: Connection) -> Iterator[Problem]:
    for table, column, *_ in sorted(columns_in(connection) ^ expected_columns()):
        yield Problem("schema", f"{table}.{column}", "the schema declares it otherwise than this program does")


def _seals(connection: Connection) -> Iterator[Problem]:
    logs = (
        (epochs, SEALED_OF_EPOCHS),
        (formations, SEALED_OF_FORMATIONS),
        (trainings, SEALED_OF_TRAININGS),
        (evaluations, SEALED_OF_EVALUATIONS),
    )
    for table, sealed in logs:
        own_seal = _seal_of(table, sealed)
        for row in every(connection, select(*as_stored(table))):
            if row.seal != own_seal(row):
                subject = f"{table.name} {'/'.join(str(row._mapping[key.name]) for key in table.primary_key)}"
                yield Problem("seal", subject, "its numbers are not those that were written")


def _replay(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Replay the events, as far as each is what was written."""
    sound = True
    own_seal = _seal_of(events, SEALED_OF_EVENTS)
    for number, row in enumerate(every(connection, select(*as_stored(events)).order_by(events.c.id)), start=1):
        if row.seal != own_seal(row):
            sound = False
            yield Problem("seal", f"events {row.id}", "it is not what was written")
        elif row.id != number:
            yield Problem("events", f"events {row.id}", f"event {number} is missing")
            return
        elif sound:
            replay.apply(row, {} if row.detail == "{}" else json.loads(row.detail))


def _seal_of(table: Table, sealed: tuple[str, ...]) -> Callable[[AnyRow], int]:
    """Return what seals the rows of a table, selected `as_stored`."""
    names = list(table.columns.keys())
    values: Callable[[AnyRow], tuple[Any, ...]] = itemgetter(*map(names.index, sealed))
    return lambda row: seal(*values(row))
