"""From the ids of trials and lineages to the numbers of their rows, and back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from gridsearch.errors import StoreDamagedError
from gridsearch.store.checked_tables import LINEAGES, TRIALS, ChecksummedTable, checked
from gridsearch.store.queries.lookup import batches_in


def trial_keys(connection: Connection, trial_ids: Iterable[str]) -> dict[str, int]:
    """Return the row numbers of those of the trials that are in the store."""
    return _keys(connection, TRIALS, "trial_id", trial_ids)


def lineage_keys(connection: Connection, lineage_ids: Iterable[str]) -> dict[str, int]:
    """Return the row numbers of those of the lineages that are in the store."""
    return _keys(connection, LINEAGES, "lineage_id", lineage_ids)


def names_of(
    connection: Connection, table: ChecksummedTable, name: str, keys: Iterable[int | None]
) -> dict[int | None, str | None]:
    """Return a column by row numbers, and None for None; `StoreDamagedError` where a row is missing."""
    place, number = table.names.index(name), table.names.index("id")
    asked = {key for key in keys if key is not None}
    found = batches_in(connection, select(*table.columns), table.table.c.id, asked)
    names: dict[int | None, str | None] = {None: None}
    names |= {row[number]: row[place] for row in checked(found, table)}
    if missing := asked - names.keys():
        raise StoreDamagedError(f"{table.table.name} {min(missing)} is missing")
    return names


def _keys(connection: Connection, table: ChecksummedTable, name: str, ids: Iterable[str]) -> dict[str, int]:
    place, number = table.names.index(name), table.names.index("id")
    found = batches_in(connection, select(*table.columns), table.table.c[name], ids)
    return {row[place]: row[number] for row in checked(found, table)}
