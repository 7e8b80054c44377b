"""What was measured of forms of training is remembered."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import sqlite

revision = "m002"
down_revision = "m001"
branch_labels = None
depends_on = None

REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sqlite.REAL(), "sqlite")


def upgrade() -> None:
    columns: list[Any] = [
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("models", sa.Integer, nullable=False),
        sa.Column("batch_size", sa.Integer, nullable=False),
        sa.Column("seconds", REAL),
    ]
    op.create_table(
        "measurements",
        *columns,
        sa.PrimaryKeyConstraint("machine", "workload", "form", name="pk_measurements"),
        sa.CheckConstraint("models >= 1", name="ck_measurements_models"),
        sqlite_with_rowid=False,
    )
