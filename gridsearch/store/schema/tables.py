"""The schema as it is now; how it came to be is in `migrations/versions`.

Rows refer to each other by small integers, so that joins over a hundred thousand trials read the file in
order; the 64-digit ids of trials and lineages are stored once each. Five tables have rows that never change:
`epochs`, keyed by lineage and epoch, `formations` and `trainings`, `evaluations`, and `events`. Everything else
follows from them and is checked against them by `verify`. Every row carries a checksum, which is checked whenever the
row is read (`checked_tables.py`), but those of `job_trials`: a job's row has the hash of its grid.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gridsearch.config.events import TrialState
from gridsearch.store.schema.columns import REAL, Json, State, UtcTime, Words

#: Written in the file's header ("grid"), to tell a store from another program's database.
APPLICATION_ID = 0x67726964
#: How a launch may end.
OUTCOMES = ("complete", "some_failed", "interrupted", "lost")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("spec", Json, nullable=False),
    Column("source", Words, nullable=False),
    # SHA-256 of the ids of the grid's trials in order: tells at once whether a grid has changed.
    Column("grid", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # The event of the last change: orders jobs even when the clock jumps.
    Column("changed", Integer, nullable=False),
    Column("seal", Integer),
    CheckConstraint("revision >= 1", name="revision"),
)

launches = Table(
    "launches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("host", Words, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", REAL, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("workers", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", Text),
    # In which table of processes `pid` is a number; NULL where that is not known.
    Column("process_table", Words),
    # When the last beat was, by the launch's own clock: only ever shown.
    Column("beat_at", UtcTime),
    Column("seal", Integer),
    # Where it came from (`Origin`), NULL where that is not known.
    Column("command", Words),
    Column("git_commit", Text),
    Column("git_clean", Integer),
    # {"gridsearch": "0.1.0", ...}, NULL where that is not known.
    Column("versions", Text),
    CheckConstraint(_one_of("outcome", OUTCOMES), name="outcome"),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
)

lineages = Table(
    "lineages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("lineage_id", Text, nullable=False, unique=True),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("diverged_epoch", Integer),
    Column("launch", Integer, ForeignKey("launches.id")),
    Column("stopped_epoch", Integer),
    # Of its model; what the configuration decides, kept because building models takes long.
    Column("parameters", Integer),
    Column("macs", Integer),
    # When it was last claimed or had an epoch recorded: how long its worker has been silent.
    Column("heard_at", UtcTime),
    Column("seal", Integer),
    CheckConstraint("attempt >= 0", name="attempt"),
    CheckConstraint("epoch >= -1", name="epoch"),
    CheckConstraint("diverged_epoch >= 0", name="diverged_epoch"),
    CheckConstraint("stopped_epoch >= 1", name="stopped_epoch"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trial_id", Text, nullable=False, unique=True),
    Column("lineage", Integer, ForeignKey("lineages.id"), nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("config", Text, nullable=False),
    # The event `enqueued` under which the trial came: its birth in the log, one row for a whole grid.
    Column("enqueued", Integer, nullable=False),
    Column("state", State, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("train_loss", REAL),
    Column("train_accuracy", REAL),
    Column("val_loss", REAL),
    Column("val_accuracy", REAL),
    Column("diverged_epoch", Integer),
    Column("error", Words),
    Column("log", Words),
    Column("seconds", REAL),
    Column("finished_at", UtcTime),
    Column("stopped_epoch", Integer),
    Column("seal", Integer),
    # As those of the epoch whose numbers it has.
    Column("metrics", Text),
    CheckConstraint("epochs >= 1", name="epochs"),
    CheckConstraint("attempt >= 0", name="attempt"),
    CheckConstraint(_one_of("state", tuple(TrialState)), name="state"),
    CheckConstraint("(finished_at IS NULL) = (state IN ('pending', 'running'))", name="finished"),
    CheckConstraint("(state = 'diverged') = (diverged_epoch IS NOT NULL)", name="diverged"),
    CheckConstraint("diverged_epoch BETWEEN 0 AND epochs", name="diverged_epoch"),
    CheckConstraint("(state = 'stopped') = (stopped_epoch IS NOT NULL)", name="stopped"),
    CheckConstraint("stopped_epoch BETWEEN 1 AND epochs - 1", name="stopped_epoch"),
    CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed"),
    UniqueConstraint("lineage", "epochs"),
)

job_trials = Table(
    "job_trials",
    metadata,
    Column("job", Integer, ForeignKey("jobs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("trial", Integer, ForeignKey("trials.id"), nullable=False),
    CheckConstraint("position >= 0", name="position"),
    UniqueConstraint("trial", "job"),
    sqlite_with_rowid=False,
)

epochs = Table(
    "epochs",
    metadata,
    Column("lineage", Integer, ForeignKey("lineages.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("train_loss", REAL),
    Column("train_accuracy", REAL),
    Column("val_loss", REAL),
    Column("val_accuracy", REAL),
    # NULL, as the four metrics, where our own loop did not train: then all that was measured is in `metrics`.
    Column("learning_rate", REAL),
    Column("seconds", REAL, nullable=False),
    # Metrics by other names, null where not finite; NULL where there are none.
    Column("metrics", Text),
    Column("seal", Integer, nullable=False),
    CheckConstraint("epoch >= 0", name="epoch"),
    sqlite_with_rowid=False,
)

#: Which validation images a lineage has right in the epochs that a trial is read at: what later epochs have made
#: worthless is removed, and older versions kept nothing of it, so `verify` does not ask that it is there.
answers = Table(
    "answers",
    metadata,
    Column("lineage", Integer, ForeignKey("lineages.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    # A bit for each image, set where its class was predicted.
    Column("correct", LargeBinary, nullable=False),
    Column("seal", Integer, nullable=False),
    CheckConstraint("epoch >= 1", name="epoch"),
)

#: Who was trained together: a row for each time that lineages were put into a strategy.
formations = Table(
    "formations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("form", Text, nullable=False),
    Column("device", Words, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("torch", Words, nullable=False),
    # {"places": [lineage, first epoch, last epoch] for each slot}; none where each is trained alone: they share a row
    Column("places", Json, nullable=False),
    Column("seal", Integer, nullable=False),
    CheckConstraint("threads >= 1", name="threads"),
)

#: What trained a lineage, from which epoch on: a row for each formation it was in, numbered from 0.
trainings = Table(
    "trainings",
    metadata,
    Column("lineage", Integer, ForeignKey("lineages.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("formation", Integer, ForeignKey("formations.id"), nullable=False),
    Column("epoch", Integer, nullable=False),
    # The last epoch recorded by then: what was recorded before, another formation had trained.
    Column("recorded", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seal", Integer, nullable=False),
    CheckConstraint("number >= 0", name="number"),
    CheckConstraint("epoch >= 0", name="epoch"),
    CheckConstraint("recorded >= -1", name="recorded"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("job", Integer, ForeignKey("jobs.id")),
    Column("launch", Integer, ForeignKey("launches.id")),
    Column("lineage", Integer, ForeignKey("lineages.id")),
    Column("trial", Integer, ForeignKey("trials.id")),
    Column("attempt", Integer),
    Column("detail", Json, nullable=False),
    Column("seal", Integer, nullable=False),
)

#: How fast strategies of training were; a memory that may be lost, so `verify` asks nothing of it but its checksums.
measurements = Table(
    "measurements",
    metadata,
    Column("machine", Words, primary_key=True),
    Column("workload", Text, primary_key=True),
    Column("form", Text, primary_key=True),
    Column("models", Integer, nullable=False),
    Column("batch_size", Integer, nullable=False),
    Column("seconds", REAL),
    Column("seal", Integer),
    CheckConstraint("models >= 1", name="models"),
    sqlite_with_rowid=False,
)

#: What trials' models did with the test images: written once, but for `correct`, which older ones may learn.
evaluations = Table(
    "evaluations",
    metadata,
    Column("trial", Integer, ForeignKey("trials.id"), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("loss", REAL),
    # {"classes": names, "counts": a row of counts for each true class}
    Column("confusion", Json, nullable=False),
    Column("seconds", REAL, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("seal", Integer, nullable=False),
    # A bit for each image, set where its class was predicted; NULL where that is not known.
    Column("correct", LargeBinary),
    CheckConstraint("epoch >= 1", name="epoch"),
)

#: How fast trials' models answer; may be measured again, so `verify` asks nothing of it but its checksums.
latencies = Table(
    "latencies",
    metadata,
    Column("trial", Integer, ForeignKey("trials.id"), primary_key=True),
    Column("device", Words, primary_key=True),
    Column("batch_size", Integer, primary_key=True),
    Column("images", Integer, nullable=False),
    Column("seconds", REAL, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("seal", Integer),
    CheckConstraint("batch_size >= 1", name="batch_size"),
    CheckConstraint("images >= 1", name="images"),
    CheckConstraint("repeats >= 1", name="repeats"),
    sqlite_with_rowid=False,
)

# For SQLite alone: to name PostgreSQL's option here imports its dialect in each command.
Index(None, lineages.c.launch, sqlite_where=lineages.c.launch.isnot(None))
Index(None, events.c.job)
Index(None, events.c.lineage)
# Evaluations are few among events: counting them tells whether one is missing.
Index("ix_events_evaluated", events.c.kind, sqlite_where=text("kind = 'evaluated'"))
