"""Early stopping, and how large models are."""

from alembic import op

revision = "m003"
down_revision = "m002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In SQLite a constraint of another kind needs the table made anew, which rows that refer to it do not allow.
    op.execute(
        "ALTER TABLE lineages ADD COLUMN stopped_epoch INTEGER"
        " CONSTRAINT ck_lineages_stopped_epoch CHECK (stopped_epoch >= 1)"
    )
    op.execute("ALTER TABLE lineages ADD COLUMN parameters INTEGER")
    op.execute("ALTER TABLE lineages ADD COLUMN macs INTEGER")
    op.execute(
        "ALTER TABLE trials ADD COLUMN stopped_epoch INTEGER"
        " CONSTRAINT ck_trials_stopped CHECK ((state = 'stopped') = (stopped_epoch IS NOT NULL))"
        " CONSTRAINT ck_trials_stopped_epoch CHECK (stopped_epoch BETWEEN 1 AND epochs - 1)"
    )
