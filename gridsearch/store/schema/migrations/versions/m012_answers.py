"""Which validation images a trial has right: then the best can be held against the others image by image."""

from alembic import op

revision = "m012"
down_revision = "m011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE TABLE answers (
        lineage INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        correct BLOB NOT NULL,
        seal INTEGER NOT NULL,
        CONSTRAINT pk_answers PRIMARY KEY (lineage, epoch),
        CONSTRAINT ck_answers_epoch CHECK (epoch >= 1),
        CONSTRAINT fk_answers_lineage FOREIGN KEY(lineage) REFERENCES lineages (id)
        )"""
    )
