"""Epochs and trials have metrics by any names; those that our own loop did not train have no others.

SQLite cannot drop a NOT NULL, so the epochs move to a new table. Every row's checksum is looked at before it gets
another one.
"""

import marshal
import zlib
from typing import Any

from alembic import op

from gridsearch.errors import StoreDamagedError

revision = "m009"
down_revision = "m008"
branch_labels = None
depends_on = None

_EPOCH = "lineage, epoch, attempt, train_loss, train_accuracy, val_loss, val_accuracy, learning_rate, seconds"
_TRIAL = (
    "id, trial_id, lineage, epochs, config, enqueued, state, attempt, train_loss, train_accuracy, val_loss,"
    " val_accuracy, diverged_epoch, error, log, seconds, finished_at, stopped_epoch"
)


def upgrade() -> None:
    connection = op.get_bind()
    again = _Checksums()
    driver: Any = connection.connection.driver_connection
    driver.create_function("checksum_again", -1, again, deterministic=True)
    op.execute("ALTER TABLE epochs RENAME TO old_epochs")
    op.execute(
        """CREATE TABLE epochs (
        lineage INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        train_loss REAL,
        train_accuracy REAL,
        val_loss REAL,
        val_accuracy REAL,
        learning_rate REAL,
        seconds REAL NOT NULL,
        metrics TEXT,
        seal INTEGER NOT NULL,
        CONSTRAINT pk_epochs PRIMARY KEY (lineage, epoch),
        CONSTRAINT ck_epochs_epoch CHECK (epoch >= 0),
        CONSTRAINT fk_epochs_lineage FOREIGN KEY(lineage) REFERENCES lineages (id)
        )
        WITHOUT ROWID"""
    )
    try:
        op.execute(
            f"INSERT INTO epochs SELECT {_EPOCH}, NULL, checksum_again('epochs', seal, {_EPOCH}) FROM old_epochs"
        )
        op.execute("DROP TABLE old_epochs")
        op.execute("ALTER TABLE trials ADD COLUMN metrics TEXT")
        op.execute(f"UPDATE trials SET seal = checksum_again('trials', seal, {_TRIAL})")
    except Exception as error:
        if again.damaged:
            raise StoreDamagedError(f"{again.damaged} is not what was written") from error
        raise


class _Checksums:
    """The checksum of a row with one value more, if it is the row that was written; SQLite tells no error's text."""

    def __init__(self) -> None:
        self.damaged = ""

    def __call__(self, table: str, seal: int, *values: Any) -> int:
        if zlib.crc32(marshal.dumps(values, 2)) != seal:
            key = values[:2] if table == "epochs" else values[:1]
            self.damaged = f"{table} {'/'.join(map(str, key))}"
            raise ValueError
        return zlib.crc32(marshal.dumps((*values, None), 2))
