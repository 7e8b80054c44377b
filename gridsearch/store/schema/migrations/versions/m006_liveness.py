"""Where a launch's process can be seen, and when it last gave a sign of life."""

import sqlalchemy as sa
from alembic import op

revision = "m006"
down_revision = "m005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("launches", sa.Column("process_table", sa.Text))
    op.add_column("launches", sa.Column("beat_at", sa.Text))
