"""Launches tell with which versions they trained: of gridsearch, Python, and what the numbers come from.

Of those that are there already nobody knows. Every row's checksum is looked at before it gets another one.
"""

import marshal
import zlib

from alembic import op

from gridsearch.errors import StoreDamagedError

revision = "m013"
down_revision = "m012"
branch_labels = None
depends_on = None

#: What is under the checksum, in its order.
_LAUNCH = (
    "id, job, host, pid, pid_started, workers, started_at, ended_at, outcome, process_table, command, git_commit,"
    " git_clean"
)


def upgrade() -> None:
    op.execute("ALTER TABLE launches ADD COLUMN versions TEXT")
    connection = op.get_bind()
    for seal, *values in connection.exec_driver_sql(f"SELECT seal, {_LAUNCH} FROM launches").fetchall():
        if zlib.crc32(marshal.dumps(tuple(values), 2)) != seal:
            raise StoreDamagedError(f"launches {values[0]} is not what was written")
        again = zlib.crc32(marshal.dumps((*values, None), 2))
        connection.exec_driver_sql("UPDATE launches SET seal = ? WHERE id = ?", (again, values[0]))
