"""The invariants of a store; `verify` returns those that do not hold.

The checks go from the ground up: the file, then the two logs (`epochs` and `events`, each row of which is
table), then everything that must follow from them. Where the ground is damaged, that alone is reported: what
stands on it cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from sqlalchemy import Connection, select

from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import DERIVED, EPOCHS, GROUND, ChecksummedTable
from gridsearch.store.queries.lookup import Values, batches, stored_columns
from gridsearch.store.rows import Problem
from gridsearch.store.schema.revisions import columns_in, expected_schema, objects_in
from gridsearch.store.schema.tables import events
from gridsearch.store.verify.curves import EpochsDamagedError, results_are_recorded
from gridsearch.store.verify.replay import Event, Replay, compare
from gridsearch.store.verify.rows import (
    answers_fit,
    claims_are_held,
    evaluations_fit,
    jobs_have_their_grid,
    trainings_fit,
    trials_are_who_they_say,
)

_CHECKSUM = "checksum"
_SMALL_GROUND = tuple(table for table in GROUND if table is not EPOCHS)
#: What reading a row may raise that is not what was written.
_UNREADABLE = (StoreDamagedError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def verify(connection: Connection) -> list[Problem]:
    """Check every invariant and return those that do not hold."""
    for ground in (_file(connection), _schema(connection)):
        if problems := list(ground):
            return problems
    replay = Replay()
    problems = list(_checksums(connection, _SMALL_GROUND)) or list(_replay(connection, replay))
    if problems:
        # The rows of epochs are most of a store: where all else is sound, they are checked as their numbers are.
        return _of_ground(connection, problems)
    problems = list(_checksums(connection, DERIVED))
    try:
        problems += compare(connection, replay)
        problems += trials_are_who_they_say(connection, replay)
        problems += jobs_have_their_grid(connection, replay)
        problems += claims_are_held(connection)
        problems += results_are_recorded(connection, replay)
        problems += trainings_fit(connection)
        problems += answers_fit(connection)
        problems += evaluations_fit(connection, replay)
    except EpochsDamagedError:
        return list(_checksums(connection, (EPOCHS,)))
    except _UNREADABLE:
        if epochs := list(_checksums(connection, (EPOCHS,))):
            return epochs
        # A row that is not what was written need not make sense, and is among the problems already.
        if not problems:
            raise
    return problems


def _of_ground(connection: Connection, problems: list[Problem]) -> list[Problem]:
    """Return what is wrong with the ground, of which something is: damaged epochs, other damaged rows, the replay."""
    epochs = list(_checksums(connection, (EPOCHS,)))
    return epochs + [one for one in problems if not epochs or one.rule == _CHECKSUM]


def _file(connection: Connection) -> Iterator[Problem]:
    for row in connection.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Problem("integrity", "file", str(row[0]))
    for table, key, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Problem("foreign_key", f"{table} {key}", f"it refers to a row of {parent} that is not there")


def _schema(connection: Connection) -> Iterator[Problem]:
    columns, objects = expected_schema()
    found = objects_in(connection)
    # What is not ours may change what is written (a trigger), or be what is read (a view).
    for kind, name in sorted(found - objects):
        yield Problem("schema", f"{kind} {name}", "it is no part of a store: somebody else has put it there")
    for kind, name in sorted(objects - found):
        yield Problem("schema", f"{kind} {name}", "it is missing")
    if found == objects:
        for table, column, *_ in sorted(columns_in(connection) ^ columns):
            yield Problem("schema", f"{table}.{column}", "the schema declares it otherwise than this program does")


def _checksums(connection: Connection, tables: Iterable[ChecksummedTable]) -> Iterator[Problem]:
    for table in tables:
        for batch in batches(connection, select(*table.columns)):
            try:
                table.check_batch(batch)
            except StoreDamagedError:
                yield from _damaged(table, batch)


def _damaged(table: ChecksummedTable, rows: Iterable[Values]) -> Iterator[Problem]:
    for row in rows:
        try:
            table.check(row)
        except StoreDamagedError:
            yield Problem(_CHECKSUM, table.subject(row), "it is not what was written")


#: Of very many events few have particulars of their own; nobody changes what this gives.
_parsed = lru_cache(maxsize=4096)(json.loads)


def _replay(connection: Connection, replay: Replay) -> Iterator[Problem]:
    """Replay the events, as far as each is what was written."""
    in_order = select(*stored_columns(events, Event._fields)).order_by(events.c.id)
    found = chain.from_iterable(batches(connection, in_order))
    for number, row in enumerate(map(Event._make, found), start=1):
        if row.id != number:
            yield Problem("events", f"events {row.id}", f"event {number} is missing")
            return
        try:
            replay.apply(row, _parsed(row.detail))
        except _UNREADABLE:
            yield Problem("events", f"events {row.id}", "it does not follow from those before it")
            return
