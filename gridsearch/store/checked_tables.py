"""Tables whose rows carry a checksum: how such rows are read, checked, made and changed; nothing else changes them.

It covers the key of the row, so one that was swapped for another is noticed, too. What it cannot tell is a row that
is not there: whoever reads a whole (a grid, a curve) counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Insert, Table, Update, bindparam, insert, select, update

from gridsearch.errors import StoreDamagedError
from gridsearch.store.checksums import checksum, first_damaged
from gridsearch.store.queries.lookup import Values, as_stored, batches, batches_in
from gridsearch.store.schema import tables
from gridsearch.store.write.bulk import execute_many

#: Columns that no checksum covers: an event's number, given when it is written (events count from 1), and a launch's
#: signs of life, given every few seconds.
UNCOVERED = {"events": ("id",), "launches": ("beat", "beat_at")}


class ChecksummedTable:
    """A table with checksums. Its rows are handled as stored: times, states and JSON as text.

    `columns` are to be selected: those named by `names`, first the ones under the checksum; and last the checksum.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        left_out = UNCOVERED.get(table.name, ())
        covered = [column.name for column in table.c if column.name not in (*left_out, "seal")]
        self.names = (*covered, *left_out)
        by_name = {column.name: column for column in as_stored(table)}
        self.columns: list[ColumnElement[Any]] = [by_name[name] for name in (*self.names, "seal")]
        self.width = len(self.columns)
        self._covered = tuple(covered)
        self._key = [self.names.index(column.name) for column in table.primary_key]
        self._reals = tuple(column.name for column in table.c if isinstance(column.type, Double))
        self._insert: Insert = insert(table)
        self._updates: dict[tuple[str, ...], Update] = {}

    def check(self, row: Sequence[Any], start: int = 0) -> None:
        """Refuse a row, with `columns` from a place on, that is not what was written: `StoreDamagedError` names it."""
        self.check_batch((row,), start)

    def check_batch(self, rows: Iterable[Sequence[Any]], start: int = 0) -> None:
        """Refuse rows as `check` does: quicker for many."""
        end = start + self.width
        row = first_damaged(rows, slice(start, start + len(self._covered)), end - 1)
        if row is not None:
            own = row[start:end]
            known = any(own[place] is not None for place in self._key)
            told = f"{self.subject(own)} is not" if known else f"a row of {self.table.name} that others refer to is not"
            raise StoreDamagedError(f"{told} what was written")

    def check_all(self, connection: Connection) -> None:
        """Check every row: where an id was not found, it may be one that was changed."""
        for batch in batches(connection, select(*self.columns)):
            self.check_batch(batch)

    def subject(self, row: Sequence[Any]) -> str:
        """Return what a person calls a row of `columns`: its table and key."""
        return f"{self.table.name} {'/'.join(str(row[place]) for place in self._key)}"

    def picker(self, names: Iterable[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """Return what takes the values of these columns, two or more, in this order, from a row of `columns`.

        For the very many rows, claims and epochs, of which a dict each would take as long as reading them: `names` are
        then the fields of the tuple that is made, so its order is written in one place. All others are made `by_name`.
        """
        return itemgetter(*map(self.names.index, names))

    def by_name(self, row: Sequence[Any], start: int = 0) -> dict[str, Any]:
        """Return the values by column of a row that has `columns` from a place on."""
        return dict(zip(self.names, row[start:], strict=False))

    def with_checksum(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a row, those left out being NULL, with its checksum.

        Numbers of REAL columns are as SQLite will give them back.
        """
        row = dict(values)
        for name in self._reals:
            if (number := row.get(name)) is not None:
                row[name] = float(number) + 0.0  # no sign before a zero
        row["seal"] = checksum(*map(row.get, self._covered))
        return row

    def insert(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows, given as stored, with their keys and all with the same columns; those left out are NULL."""
        execute_many(connection, self._insert, (self.with_checksum(row) for row in rows))

    def change(self, connection: Connection, changes: Iterable[Mapping[str, Any]]) -> None:
        """Change rows: each of the mappings has the row's `id` and, all of them the same, columns to set, as stored.

        The rows are checked before, so that no damage gets a checksum. `StoreDamagedError` names a row that is not what
        was written, or is not there.
        """
        wanted = {change["id"]: change for change in changes}
        if not wanted:
            return
        names = tuple(name for name in next(iter(wanted.values())) if name != "id")
        statement = select(*self.columns)
        found = []
        for row in checked(batches_in(connection, statement, self.table.c.id, wanted), self):
            new = self.with_checksum(self.by_name(row) | dict(wanted[row[0]]))
            found.append({"key": row[0], "new_seal": new["seal"]} | {f"new_{name}": new[name] for name in names})
        if len(found) != len(wanted):
            missing = min(wanted.keys() - {row["key"] for row in found})
            raise StoreDamagedError(f"{self.table.name} {missing} is missing")
        execute_many(connection, self._update(names), found)

    def _update(self, names: tuple[str, ...]) -> Update:
        if names not in self._updates:
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*names, "seal")}
            self._updates[names] = update(self.table).where(self.table.c.id == bindparam("key")).values(values)
        return self._updates[names]


def checked(found: Iterable[list[Values]], *parts: ChecksummedTable) -> Iterator[Values]:
    """Yield rows, given many at once, that have the `columns` of one or more tables in turn, each part checked."""
    return chain.from_iterable(_checked_batches(found, parts))


def _checked_batches(found: Iterable[list[Values]], parts: Sequence[ChecksummedTable]) -> Iterator[list[Values]]:
    starts = list(accumulate((part.width for part in parts), initial=0))
    for batch in found:
        for part, start in zip(parts, starts, strict=False):
            part.check_batch(batch, start)
        yield batch


JOBS = ChecksummedTable(tables.jobs)
LAUNCHES = ChecksummedTable(tables.launches)
LINEAGES = ChecksummedTable(tables.lineages)
TRIALS = ChecksummedTable(tables.trials)
EPOCHS = ChecksummedTable(tables.epochs)
ANSWERS = ChecksummedTable(tables.answers)
EVENTS = ChecksummedTable(tables.events)
FORMATIONS = ChecksummedTable(tables.formations)
TRAININGS = ChecksummedTable(tables.trainings)
EVALUATIONS = ChecksummedTable(tables.evaluations)
LATENCIES = ChecksummedTable(tables.latencies)
MEASUREMENTS = ChecksummedTable(tables.measurements)
#: The two logs, what trained, and what was tried once: the ground that everything else follows from.
GROUND = (EPOCHS, EVENTS, FORMATIONS, TRAININGS, EVALUATIONS)
DERIVED = (JOBS, LAUNCHES, LINEAGES, TRIALS, ANSWERS, LATENCIES, MEASUREMENTS)
