"""Epochs and trials have metrics by any names; those that our own loop did not train have no others.

SQLite cannot drop a NOT NULL, so the epochs move to a new table. Every row's checksum is looked at before it gets
another one.
"""

import marshal
import sqlite3
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
    driver: Any = connection.connection.driver_connection
    _add_functions(driver)
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
        op.execute(f"INSERT INTO epochs SELECT {_EPOCH}, NULL, checksum_again(seal, {_EPOCH}) FROM old_epochs")
        op.execute("DROP TABLE old_epochs")
        op.execute("ALTER TABLE trials ADD COLUMN metrics TEXT")
        op.execute(f"UPDATE trials SET seal = checksum_again(seal, {_TRIAL})")
    except Exception as error:
        if _DAMAGED in repr(error):
            raise StoreDamagedError("a row of epochs or trials is not what was written") from error
        raise


_DAMAGED = "user-defined function raised exception"


def _add_functions(connection: sqlite3.Connection) -> None:
    def checksum_again(seal: int, *values: Any) -> int:
        if zlib.crc32(marshal.dumps(values, 2)) != seal:
            raise ValueError
        return zlib.crc32(marshal.dumps((*values, None), 2))

    connection.create_function("checksum_again", -1, checksum_again, deterministic=True)
