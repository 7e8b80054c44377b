"""Evaluations tell which images were right: then two trials can be held against each other image by image.

Of those that are there already nobody knows. Every row's checksum is looked at before it gets another one.
"""

import marshal
import zlib

from alembic import op

from gridsearch.errors import StoreDamagedError

revision = "m011"
down_revision = "m010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE evaluations ADD COLUMN correct BLOB")
    connection = op.get_bind()
    rows = connection.exec_driver_sql("SELECT seal, trial, epoch, loss, confusion, seconds, at FROM evaluations")
    for seal, *values in rows.fetchall():
        if zlib.crc32(marshal.dumps(tuple(values), 2)) != seal:
            raise StoreDamagedError(f"evaluations {values[0]} is not what was written")
        again = zlib.crc32(marshal.dumps((*values, None), 2))
        connection.exec_driver_sql("UPDATE evaluations SET seal = ? WHERE trial = ?", (again, values[0]))
