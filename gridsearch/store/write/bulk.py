"""Writing many rows at once, past SQLAlchemy's look at the type of every value: several times faster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.sql.compiler import SQLCompiler


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]


_compiled: dict[tuple[Insert | Update, str, tuple[str, ...]], _Compiled] = {}


def execute_many(connection: Connection, statement: Insert | Update, rows: Iterable[Mapping[str, Any]]) -> int:
    """Execute the statement with each row; return how many rows of the table changed.

    The rows hold values as they are stored (times and states as text) under the names of the statement's
    parameters, all of them the same names. They are taken one by one: a hundred thousand that exist at once keep
    Python's collector of garbage busy for longer than it takes to write them. What is compiled is kept for good, so
    the statement should be a constant of its module. Without rows nothing happens.
    """
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return 0
    dialect = connection.dialect
    key = (statement, dialect.name, tuple(first))
    plan = _compiled.get(key) or _compiled.setdefault(key, _compile(statement, key[2], dialect))
    given: Iterable[Mapping[str, Any]] = chain((first,), remaining)
    if plan.fixed:
        given = ({**plan.fixed, **row} for row in given)
    pick = itemgetter(*plan.names)
    parameters = map(pick, given) if len(plan.names) > 1 else ((pick(row),) for row in given)
    cursor: Any = connection.connection.cursor()
    try:
        cursor.executemany(plan.sql, parameters)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def _compile(statement: Insert | Update, names: tuple[str, ...], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler) and compiled.positiontup is not None
    # The driver is quick with plain strings only, and states are a kind of string.
    fixed = {
        name: str(value) if isinstance(value, str) else value
        for name, value in compiled.params.items()
        if name not in names
    }
    return _Compiled(compiled.string, tuple(compiled.positiontup), fixed)
