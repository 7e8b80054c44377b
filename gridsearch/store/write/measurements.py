"""What was measured of strategies of training, for the next launch on the same machine, and counted of models."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from gridsearch.config.events import ModelSize, StrategyMeasured
from gridsearch.store.checked_tables import LINEAGES, MEASUREMENTS, checked
from gridsearch.store.queries.lookup import batches, rows_in
from gridsearch.store.schema.columns import storable
from gridsearch.store.schema.tables import lineages, measurements

#: What columns are called otherwise than the fields that they keep.
_COLUMNS = {"strategy": "form"}
_FIELDS = {column: field for field, column in _COLUMNS.items()}

_ID, _NAME, _PARAMETERS = (LINEAGES.names.index(name) for name in ("id", "lineage_id", "parameters"))


def remember(connection: Connection, measured: Collection[StrategyMeasured]) -> None:
    """See `Store.remember`."""
    for one in measured:
        same = (
            (measurements.c.machine == one.machine)
            & (measurements.c.workload == one.workload)
            & (measurements.c.form == one.strategy)
        )
        connection.execute(delete(measurements).where(same))
        values = {_COLUMNS.get(name, name): value for name, value in asdict(one).items()}
        MEASUREMENTS.insert(connection, [values | {"machine": storable(one.machine)}])


def measured(connection: Connection) -> list[StrategyMeasured]:
    """See `Store.measured`."""
    rows = checked(batches(connection, select(*MEASUREMENTS.columns)), MEASUREMENTS)
    told = map(MEASUREMENTS.by_name, rows)
    return [StrategyMeasured(**{_FIELDS.get(name, name): value for name, value in one.items()}) for one in told]


def note_sizes(connection: Connection, sizes: Mapping[str, ModelSize]) -> None:
    """See `Store.note_sizes`."""
    rows = rows_in(connection, select(*LINEAGES.columns), lineages.c.lineage_id, sizes)
    unknown = {row[_ID]: sizes[row[_NAME]] for row in rows if row[_PARAMETERS] is None}
    changes = [{"id": key, "parameters": size.parameters, "macs": size.macs} for key, size in unknown.items()]
    LINEAGES.change(connection, changes)
