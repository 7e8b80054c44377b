"""Reading very many rows: those of many ids in chunks, each given to the database as one text.

What is read by the batch is read past SQLAlchemy's own rows, whose making takes as long as all else: plain tuples, as
stored. So the columns of such statements are `as_stored`, or of types that need no decoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType, TypeDecorator

from gridsearch.store.schema.columns import to_json
from gridsearch.store.schema.tables import trials

#: A row with names, a row as the driver gives it, and a statement, of any columns.
AnyRow = Row[*tuple[Any, ...]]
Values = tuple[Any, ...]
AnySelect = Select[*tuple[Any, ...]]

#: No parameters of a statement.
NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})

#: Of so many ids rows are asked for at once.
_CHUNK = 900
#: Ids as a JSON array. A parameter for each would take SQLAlchemy as long as SQLite takes to find the rows.
_ASKED = select(func.json_each(bindparam("asked")).table_valued("value").c.value)
#: Rows fetched at once where very many are read.
_BATCH = 1000
#: Where more than this share of the trials is asked for, reading every row is quicker than finding each.
_SHARE = 0.2
_LAST_TRIAL = select(func.max(trials.c.id))


def batches(
    connection: Connection, statement: AnySelect, parameters: Mapping[str, Any] = NO_PARAMETERS
) -> Iterator[list[Values]]:
    """Yield the rows of a statement in order, many at once, as stored."""
    result = connection.execute(statement, parameters)
    try:
        assert result.cursor is not None
        while batch := result.cursor.fetchmany(_BATCH):
            yield list(batch)
    finally:
        result.close()


def batches_in(
    connection: Connection, statement: AnySelect, column: Column[Any], values: Iterable[str | int]
) -> Iterator[list[Values]]:
    """Yield, many at once and as stored, the rows of the statement whose `column` is among the values; in any order.

    The column is one of those selected.
    """
    asked = dict.fromkeys(values)
    if len(asked) > _CHUNK and len(asked) > _SHARE * (connection.scalar(_LAST_TRIAL) or 0):
        place = next(place for place, other in enumerate(statement.selected_columns) if other is column)
        for batch in batches(connection, statement):
            yield [row for row in batch if row[place] in asked]
        return
    remaining = iter(asked)
    among = statement.where(column.in_(_ASKED))
    while chunk := list(islice(remaining, _CHUNK)):
        yield from batches(connection, among, {"asked": to_json(chunk)})


def rows_in(
    connection: Connection, statement: AnySelect, column: Column[Any], values: Iterable[str | int]
) -> Iterator[Values]:
    """Yield what `batches_in` does, one by one."""
    return chain.from_iterable(batches_in(connection, statement, column, values))


def every(connection: Connection, statement: AnySelect) -> Iterator[AnyRow]:
    """Yield the rows of a statement that has very many, with their names."""
    for batch in connection.execute(statement).partitions(_BATCH):
        yield from batch


def stored_columns(table: Table, names: Iterable[str]) -> list[ColumnElement[Any]]:
    """Return those of a table's columns that have these names, in this order, as the file has them."""
    by_name = {column.name: column for column in as_stored(table)}
    return [by_name[name] for name in names]


def as_stored(table: Table) -> list[ColumnElement[Any]]:
    """Return a table's columns as the file has them: times, states and JSON undecoded, bytes whatever they are."""
    return [_as_stored(column) for column in table.c]


def _as_stored(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, TypeDecorator):
        return type_coerce(column, Text()).label(column.name)
    return type_coerce(column, NullType()).label(column.name) if isinstance(column.type, LargeBinary) else column
