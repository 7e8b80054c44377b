"""When a lineage that is being trained was last heard of."""

from alembic import op

revision = "m007"
down_revision = "m006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lineages ADD COLUMN heard_at TEXT")
