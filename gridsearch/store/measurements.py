"""What was measured of forms of training, for the next launch on the same machine, and counted of models."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gridsearch.spec.outcomes import FormMeasured, ModelSize
from gridsearch.store.bulk import execute_many
from gridsearch.store.tables import lineages, measurements

_SIZE = (
    update(lineages)
    .where(lineages.c.lineage_id == bindparam("name"), lineages.c.parameters.is_(None))
    .values(parameters=bindparam("new_parameters"), macs=bindparam("new_macs"))
)


def remember(connection: Connection, measured: Collection[FormMeasured]) -> None:
    """See `Store.remember`."""
    for one in measured:
        same = (
            (measurements.c.machine == one.machine)
            & (measurements.c.workload == one.workload)
            & (measurements.c.form == one.form)
        )
        connection.execute(delete(measurements).where(same))
        connection.execute(
            insert(measurements).values(
                machine=one.machine,
                workload=one.workload,
                form=one.form,
                models=one.models,
                batch_size=one.batch_size,
                seconds=one.seconds,
            )
        )


def measured(connection: Connection) -> list[FormMeasured]:
    """See `Store.measured`."""
    return [FormMeasured(**row._mapping) for row in connection.execute(select(measurements))]


def note_sizes(connection: Connection, sizes: Mapping[str, ModelSize]) -> None:
    """See `Store.note_sizes`."""
    rows = [{"name": name, "new_parameters": size.parameters, "new_macs": size.macs} for name, size in sizes.items()]
    execute_many(connection, _SIZE, rows)
