"""What was measured of forms of training, for the next launch on the same machine; nothing else depends on it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from gridsearch.spec.outcomes import FormMeasured
from gridsearch.store.tables import measurements


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
