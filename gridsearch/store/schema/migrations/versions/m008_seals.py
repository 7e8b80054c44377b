"""Every row carries a seal, of one kind.

The seals of epochs, events, evaluations and trainings are checked before they are made anew. The other rows had none:
they are sealed as they are, and the upgrade is given up if `verify` then finds that they do not follow from those that
had.
What a lineage says of its model's size and the latencies follow from nothing, and are taken as they are.
"""

import marshal
import zlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from alembic import op
from sqlalchemy import Connection

from gridsearch.errors import StoreDamagedError

revision = "m008"
down_revision = "m007"
branch_labels = None
depends_on = None

_NEW = ("jobs", "launches", "lineages", "trials", "latencies", "measurements")
_METRICS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
#: The columns that were under the seal.
_OLD = {
    "epochs": ["lineage", "epoch", "attempt", *_METRICS, "learning_rate", "seconds"],
    "events": ["at", "kind", "job", "launch", "lineage", "trial", "attempt", "detail"],
    "formations": ["id", "form", "device", "threads", "torch", "places"],
    "trainings": ["lineage", "number", "formation", "epoch", "recorded", "attempt"],
    "evaluations": ["trial", "epoch", "loss", "confusion", "seconds", "at"],
}
_UNSEALED = {"events": ("id",), "launches": ("beat", "beat_at")}
_ROWS = 5000


def upgrade() -> None:
    for table in _NEW:
        op.execute(f"ALTER TABLE {table} ADD COLUMN seal INTEGER")
    op.execute("CREATE INDEX ix_events_evaluated ON events (kind) WHERE kind = 'evaluated'")
    connection = op.get_bind()
    for table in (*_OLD, *_NEW):
        _seal_all(connection, table)


def _seal_all(connection: Connection, table: str) -> None:
    left_out = ("seal", *_UNSEALED.get(table, ()))
    info = connection.exec_driver_sql(f"PRAGMA table_info({table})").fetchall()
    names = [row[1] for row in info if row[1] not in left_out]
    keys = [row[1] for row in info if row[5]]
    old = [names.index(name) for name in _OLD.get(table, ())]
    change = f"UPDATE {table} SET seal = ? WHERE " + " AND ".join(f"{key} = ?" for key in keys)
    found = connection.exec_driver_sql(f"SELECT {', '.join([*keys, 'seal', *names])} FROM {table}").fetchall()
    for start in range(0, len(found), _ROWS):
        changes = []
        for row in found[start : start + _ROWS]:
            key, seal, values = row[: len(keys)], row[len(keys)], row[len(keys) + 1 :]
            if old and seal not in _old_seals([values[place] for place in old]):
                raise StoreDamagedError(f"{table} {'/'.join(map(str, key))} is not what was written")
            changes.append((zlib.crc32(marshal.dumps(tuple(values), 2)), *key))
        connection.exec_driver_sql(change, changes)


def _old_seals(values: list[Any]) -> Iterator[int]:
    """Yield what such a row may have been sealed as: SQLite did not keep the sign of a zero that was under the seal."""
    signs = [(value, -0.0) if isinstance(value, float) and value == 0 else (value,) for value in values]
    for signed in product(*signs):
        yield zlib.crc32(repr(signed).encode("utf-8", "backslashreplace"))
