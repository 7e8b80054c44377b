"""The first schema: jobs and their grids, launches, lineages, trials, epochs, events."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import sqlite

revision = "m001"
down_revision = None
branch_labels = None
depends_on = None

REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sqlite.REAL(), "sqlite")


def upgrade() -> None:
    _jobs_and_launches()
    _lineages_and_trials()
    _epochs()
    _events()


def _jobs_and_launches() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint("revision >= 1", name="ck_jobs_revision"),
        sa.UniqueConstraint("name", name="uq_jobs_name"),
    )
    op.create_table(
        "launches",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job", sa.Integer, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("pid_started", REAL, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("workers", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_launches"),
        sa.CheckConstraint("outcome IN ('complete', 'some_failed', 'interrupted', 'lost')", name="ck_launches_outcome"),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ck_launches_ended"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_launches_job"),
    )


def _lineages_and_trials() -> None:
    op.create_table(
        "lineages",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("lineage_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("diverged_epoch", sa.Integer),
        sa.Column("launch", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_lineages"),
        sa.CheckConstraint("attempt >= 0", name="ck_lineages_attempt"),
        sa.CheckConstraint("epoch >= -1", name="ck_lineages_epoch"),
        sa.CheckConstraint("diverged_epoch >= 0", name="ck_lineages_diverged_epoch"),
        sa.UniqueConstraint("lineage_id", name="uq_lineages_lineage_id"),
        sa.ForeignKeyConstraint(["launch"], ["launches.id"], name="fk_lineages_launch"),
    )
    held = sa.text("launch IS NOT NULL")
    op.create_index("ix_lineages_launch", "lineages", ["launch"], sqlite_where=held, postgresql_where=held)
    op.create_table("trials", *_trial_columns(), *_trial_constraints())
    op.create_table(
        "job_trials",
        sa.Column("job", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("job", "position", name="pk_job_trials"),
        sa.CheckConstraint("position >= 0", name="ck_job_trials_position"),
        sa.UniqueConstraint("trial", "job", name="uq_job_trials_trial_job"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_job_trials_job"),
        sa.ForeignKeyConstraint(["trial"], ["trials.id"], name="fk_job_trials_trial"),
        sqlite_with_rowid=False,
    )


def _trial_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("trial_id", sa.Text, nullable=False),
        sa.Column("lineage", sa.Integer, nullable=False),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("enqueued", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("train_loss", REAL),
        sa.Column("train_accuracy", REAL),
        sa.Column("val_loss", REAL),
        sa.Column("val_accuracy", REAL),
        sa.Column("diverged_epoch", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("log", sa.Text),
        sa.Column("seconds", REAL),
        sa.Column("finished_at", sa.Text),
    ]


def _trial_constraints() -> list[sa.Constraint]:
    states = "('pending', 'running', 'completed', 'stopped', 'diverged', 'failed', 'cancelled')"
    return [
        sa.PrimaryKeyConstraint("id", name="pk_trials"),
        sa.CheckConstraint("epochs >= 1", name="ck_trials_epochs"),
        sa.CheckConstraint("attempt >= 0", name="ck_trials_attempt"),
        sa.CheckConstraint(f"state IN {states}", name="ck_trials_state"),
        sa.CheckConstraint("(finished_at IS NULL) = (state IN ('pending', 'running'))", name="ck_trials_finished"),
        sa.CheckConstraint("(state = 'diverged') = (diverged_epoch IS NOT NULL)", name="ck_trials_diverged"),
        sa.CheckConstraint("diverged_epoch BETWEEN 0 AND epochs", name="ck_trials_diverged_epoch"),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="ck_trials_failed"),
        sa.UniqueConstraint("lineage", "epochs", name="uq_trials_lineage_epochs"),
        sa.UniqueConstraint("trial_id", name="uq_trials_trial_id"),
        sa.ForeignKeyConstraint(["lineage"], ["lineages.id"], name="fk_trials_lineage"),
    ]


def _epochs() -> None:
    op.create_table(
        "epochs",
        sa.Column("lineage", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("train_loss", REAL),
        sa.Column("train_accuracy", REAL),
        sa.Column("val_loss", REAL),
        sa.Column("val_accuracy", REAL),
        sa.Column("learning_rate", REAL, nullable=False),
        sa.Column("seconds", REAL, nullable=False),
        sa.Column("seal", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("lineage", "epoch", name="pk_epochs"),
        sa.CheckConstraint("epoch >= 0", name="ck_epochs_epoch"),
        sa.ForeignKeyConstraint(["lineage"], ["lineages.id"], name="fk_epochs_lineage"),
        sqlite_with_rowid=False,
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("job", sa.Integer),
        sa.Column("launch", sa.Integer),
        sa.Column("lineage", sa.Integer),
        sa.Column("trial", sa.Integer),
        sa.Column("attempt", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("seal", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_events_job"),
        sa.ForeignKeyConstraint(["launch"], ["launches.id"], name="fk_events_launch"),
        sa.ForeignKeyConstraint(["lineage"], ["lineages.id"], name="fk_events_lineage"),
        sa.ForeignKeyConstraint(["trial"], ["trials.id"], name="fk_events_trial"),
    )
    op.create_index("ix_events_job", "events", ["job"])
    op.create_index("ix_events_lineage", "events", ["lineage"])
