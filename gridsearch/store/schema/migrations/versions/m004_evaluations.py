"""Evaluations on test images, and how fast models answer."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import sqlite

revision = "m004"
down_revision = "m003"
branch_labels = None
depends_on = None

REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sqlite.REAL(), "sqlite")


def upgrade() -> None:
    columns: list[Any] = [
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("loss", REAL),
        sa.Column("confusion", sa.Text, nullable=False),
        sa.Column("seconds", REAL, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("seal", sa.Integer, nullable=False),
    ]
    op.create_table(
        "evaluations",
        *columns,
        sa.PrimaryKeyConstraint("trial", name="pk_evaluations"),
        sa.CheckConstraint("epoch >= 1", name="ck_evaluations_epoch"),
        sa.ForeignKeyConstraint(["trial"], ["trials.id"], name="fk_evaluations_trial"),
    )
    columns = [
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("batch_size", sa.Integer, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("seconds", REAL, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    ]
    op.create_table(
        "latencies",
        *columns,
        sa.PrimaryKeyConstraint("trial", "device", "batch_size", name="pk_latencies"),
        sa.CheckConstraint("batch_size >= 1", name="ck_latencies_batch_size"),
        sa.CheckConstraint("images >= 1", name="ck_latencies_images"),
        sa.CheckConstraint("repeats >= 1", name="ck_latencies_repeats"),
        sa.ForeignKeyConstraint(["trial"], ["trials.id"], name="fk_latencies_trial"),
        sqlite_with_rowid=False,
    )
