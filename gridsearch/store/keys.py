"""From the ids of trials and lineages to the numbers of their rows."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from gridsearch.store.lookup import rows_in
from gridsearch.store.sealed import LINEAGES, TRIALS, Sealed


def trial_keys(connection: Connection, trial_ids: Iterable[str]) -> dict[str, int]:
    """Return the row numbers of those of the trials that are in the store."""
    return _keys(connection, TRIALS, "trial_id", trial_ids)


def lineage_keys(connection: Connection, lineage_ids: Iterable[str]) -> dict[str, int]:
    """Return the row numbers of those of the lineages that are in the store."""
    return _keys(connection, LINEAGES, "lineage_id", lineage_ids)


def _keys(connection: Connection, sealed: Sealed, name: str, ids: Iterable[str]) -> dict[str, int]:
    place, number = sealed.names.index(name), sealed.names.index("id")
    found = {}
    for row in rows_in(connection, select(*sealed.columns), sealed.table.c[name], ids):
        sealed.check(row)
        found[row[place]] = row[number]
    return found
