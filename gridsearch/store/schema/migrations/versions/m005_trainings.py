"""What trained a lineage: in which form, with whom, on what."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns: list[Any] = [
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("threads", sa.Integer, nullable=False),
        sa.Column("torch", sa.Text, nullable=False),
        sa.Column("places", sa.Text, nullable=False),
        sa.Column("seal", sa.Integer, nullable=False),
    ]
    op.create_table(
        "formations",
        *columns,
        sa.PrimaryKeyConstraint("id", name="pk_formations"),
        sa.CheckConstraint("threads >= 1", name="ck_formations_threads"),
    )
    columns = [
        sa.Column("lineage", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("formation", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("recorded", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("seal", sa.Integer, nullable=False),
    ]
    op.create_table(
        "trainings",
        *columns,
        sa.PrimaryKeyConstraint("lineage", "number", name="pk_trainings"),
        sa.CheckConstraint("number >= 0", name="ck_trainings_number"),
        sa.CheckConstraint("epoch >= 0", name="ck_trainings_epoch"),
        sa.CheckConstraint("recorded >= -1", name="ck_trainings_recorded"),
        sa.ForeignKeyConstraint(["lineage"], ["lineages.id"], name="fk_trainings_lineage"),
        sa.ForeignKeyConstraint(["formation"], ["formations.id"], name="fk_trainings_formation"),
        sqlite_with_rowid=False,
    )
