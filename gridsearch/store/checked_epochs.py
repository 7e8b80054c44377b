"""The epochs of lineages as stored, every row checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from gridsearch.store.lookup import AnySelect, Values, batches_in
from gridsearch.store.sealed import EPOCHS, checked
from gridsearch.store.tables import epochs

_EPOCHS: AnySelect = select(*EPOCHS.columns).order_by(epochs.c.lineage, epochs.c.epoch)
_LINEAGE = EPOCHS.names.index("lineage")


def checked_epochs(connection: Connection, keys: Collection[int]) -> dict[int, list[Values]]:
    """Return the epochs of lineages in order, rows of `EPOCHS.columns`, checked, by the lineage's row number."""
    curves: dict[int, list[Values]] = defaultdict(list)
    for row in checked(batches_in(connection, _EPOCHS, epochs.c.lineage, keys), EPOCHS):
        curves[row[_LINEAGE]].append(row)
    return curves
