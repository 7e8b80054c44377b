"""Reading the rows of many ids: in chunks, as databases bound the parameters of one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, Text, func, select, type_coerce
from sqlalchemy.types import TypeDecorator

from gridsearch.store.tables import trials

#: A row, and a statement, of any columns.
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

#: Parameters of one statement: SQLite before 3.32 took 999, PostgreSQL takes 32767.
_CHUNK = 900
#: Rows fetched at once where every row is read.
_BATCH = 5000
#: Where more than this share of the trials is asked for, reading every row is quicker than finding each.
_SHARE = 0.2
_LAST_TRIAL = select(func.max(trials.c.id))


def rows_in(
    connection: Connection, statement: AnySelect, column: Column[Any], values: Iterable[str | int]
) -> Iterator[AnyRow]:
    """Yield the rows of the statement whose `column`, one of those selected, is among the values; in any order."""
    asked = dict.fromkeys(values)
    if len(asked) > _CHUNK and len(asked) > _SHARE * (connection.scalar(_LAST_TRIAL) or 0):
        place = next(place for place, other in enumerate(statement.selected_columns) if other is column)
        yield from (row for row in connection.execute(statement) if row[place] in asked)
        return
    remaining = iter(asked)
    while chunk := list(islice(remaining, _CHUNK)):
        yield from connection.execute(statement.where(column.in_(chunk))).fetchall()


def every(connection: Connection, statement: AnySelect) -> Iterator[AnyRow]:
    """Yield the rows of a statement that has very many, fetched by the thousand."""
    for batch in connection.execute(statement).partitions(_BATCH):
        yield from batch


def as_stored(table: Table) -> list[ColumnElement[Any]]:
    """Return a table's columns as the file has them: times, states and JSON undecoded."""
    return [
        type_coerce(column, Text()).label(column.name) if isinstance(column.type, TypeDecorator) else column
        for column in table.c
    ]
