"""Each invariant of `verify`, broken on purpose."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gridsearch.errors import StoreDamagedError
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Problem
from tests.store.grids import JOB
from tests.store.make_asset import make_asset


def tampered(path: Path, *statements: str) -> list[Problem]:
    """Return the problems of a store after changes behind its back."""
    make_asset(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        with connection:
            changed = [connection.execute(statement).rowcount for statement in statements]
    assert all(changed)
    with open_store(path, examine=False) as store:
        return store.verify()


TAMPERINGS = [
    ("checksum", "UPDATE epochs SET val_loss = val_loss * 1.0000001 WHERE lineage = 1 AND epoch = 0"),
    ("checksum", "UPDATE epochs SET train_loss = 0.5 WHERE train_loss IS NULL"),
    ("checksum", "UPDATE epochs SET attempt = 2 WHERE lineage = 1 AND epoch = 2"),
    ("checksum", "UPDATE events SET kind = 'finished' WHERE kind = 'claimed'"),
    ("checksum", "UPDATE events SET detail = '{}' WHERE id = 1"),
    ("checksum", "UPDATE events SET at = '2020' WHERE id = 3"),
    ("events", "DELETE FROM events WHERE id = 5"),
    ("epochs", "DELETE FROM epochs WHERE lineage = 1 AND epoch = 1"),
    ("epochs", "UPDATE lineages SET epoch = 2 WHERE id = 1"),
    ("epochs", "UPDATE lineages SET diverged_epoch = NULL WHERE id = 2"),
    ("events", "UPDATE lineages SET attempt = 2 WHERE id = 1"),
    ("events", "UPDATE lineages SET launch = NULL WHERE id = 4"),
    ("claim", "UPDATE lineages SET launch = NULL WHERE id = 4"),
    ("claim", "UPDATE lineages SET attempt = 7 WHERE id = 4"),
    ("claim", "UPDATE launches SET ended_at = started_at, outcome = 'lost'"),
    ("events", "UPDATE launches SET workers = 3"),
    ("events", "UPDATE trials SET state = 'pending' WHERE state = 'running'"),
    ("events", "UPDATE trials SET error = 'bang' WHERE state = 'failed'"),
    ("events", "UPDATE trials SET log = NULL WHERE state = 'failed'"),
    ("events", "UPDATE trials SET attempt = 2 WHERE state = 'completed'"),
    ("events", "UPDATE trials SET finished_at = '2020-01-01' WHERE state = 'completed'"),
    ("result", "UPDATE trials SET val_accuracy = 0.99 WHERE id = 1"),
    ("result", "UPDATE trials SET seconds = seconds + 1e-12 WHERE id = 1"),
    ("result", "UPDATE trials SET val_loss = 0.1 WHERE state = 'failed'"),
    ("result", "UPDATE trials SET train_accuracy = NULL WHERE state = 'diverged'"),
    ("result", "UPDATE trials SET state = 'completed', diverged_epoch = NULL WHERE state = 'diverged'"),
    ("result", "UPDATE trials SET state = 'pending', finished_at = NULL WHERE id = 1"),
    ("identity", "UPDATE trials SET config = replace(config, '0.4', '0.5')"),
    ("identity", "UPDATE trials SET trial_id = replace(trial_id, 'a', 'b') WHERE id = 1"),
    ("identity", "UPDATE trials SET epochs = 2 WHERE id = 1"),
    ("identity", "UPDATE lineages SET lineage_id = replace(lineage_id, 'a', 'b') WHERE id = 1"),
    ("identity", "UPDATE trials SET lineage = 2, epochs = 7 WHERE id = 1"),
    ("events", "UPDATE trials SET enqueued = 99 WHERE id = 1"),
    ("grid", "UPDATE job_trials SET position = 99 WHERE position = 0"),
    ("grid", "DELETE FROM job_trials WHERE position = 7"),
    ("job", "UPDATE jobs SET name = 'other'"),
    ("job", "UPDATE jobs SET spec = '{}'"),
    ("job", "UPDATE jobs SET source = 'third'"),
    ("events", "UPDATE jobs SET revision = 3"),
    ("events", "UPDATE jobs SET updated_at = created_at"),
    ("checksum", "UPDATE evaluations SET loss = 0.25"),
    ("checksum", "UPDATE evaluations SET confusion = replace(confusion, '5', '6')"),
    ("checksum", "UPDATE evaluations SET at = '2020'"),
    ("events", "DELETE FROM evaluations"),
    ("checksum", "UPDATE formations SET form = 'stacked' WHERE id = 1"),
    ("checksum", "UPDATE formations SET places = replace(places, '100', '101')"),
    ("checksum", "UPDATE formations SET threads = 2"),
    ("checksum", "UPDATE trainings SET epoch = 1 WHERE lineage = 1"),
    ("checksum", "UPDATE trainings SET recorded = 0"),
    ("foreign_key", "DELETE FROM formations WHERE id = 1"),
    ("evaluation", "UPDATE trials SET state = 'pending', finished_at = NULL WHERE id = 2"),
    ("evaluation", "UPDATE trials SET epochs = 2 WHERE id = 2"),
    ("foreign_key", "DELETE FROM lineages WHERE id = 4"),
    ("integrity", "UPDATE trials SET state = 'unknown' WHERE id = 1"),
    ("integrity", "UPDATE trials SET error = NULL WHERE state = 'failed'"),
]


@pytest.mark.parametrize(("rule", "statement"), TAMPERINGS, ids=[statement for _, statement in TAMPERINGS])
def test_a_broken_invariant_is_reported(path: Path, rule: str, statement: str) -> None:
    problems = tampered(path, statement)
    assert rule in {problem.rule for problem in problems}
    assert all(problem.subject and problem.text and "\n" not in problem.text for problem in problems)


EPOCH = "UPDATE epochs SET val_loss = 0.5 WHERE lineage = 1 AND epoch = 1"


@pytest.mark.parametrize(
    ("others", "subjects"),
    [
        ((), ["epochs"]),
        # Of the ground all damage is told, in its order; of what stands on it, and may not be readable, none.
        (("UPDATE events SET at = '2020' WHERE id = 3",), ["epochs", "events"]),
        (("DELETE FROM events WHERE id = 5",), ["epochs"]),
        (("UPDATE trials SET val_accuracy = 0.99 WHERE id = 1",), ["epochs"]),
        (("UPDATE trials SET config = '[]'",), ["epochs"]),
        (("UPDATE lineages SET epoch = 2 WHERE id = 1", "UPDATE jobs SET spec = 'x'"), ["epochs"]),
    ],
)
def test_damaged_epochs_are_told_before_what_stands_on_them(
    path: Path, others: tuple[str, ...], subjects: list[str]
) -> None:
    problems = tampered(path, EPOCH, *others)
    assert {problem.rule for problem in problems} == {"checksum"}
    assert [problem.subject.split()[0] for problem in problems] == subjects


def test_a_trial_that_vanished_is_reported(path: Path) -> None:
    problems = tampered(
        path,
        "DELETE FROM events WHERE trial = 8",
        "DELETE FROM job_trials WHERE trial = 8",
        "DELETE FROM trials WHERE id = 8",
    )
    assert problems


def test_an_event_that_others_build_on_may_be_the_broken_one(path: Path) -> None:
    make_asset(path)
    with open_store(path) as store:
        for launch in store.open_launches():
            store.close_launch(launch.launch_id, "lost")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE events SET detail = '{}' WHERE kind = 'launch_opened'")
    with open_store(path) as store:
        assert [problem.rule for problem in store.verify()] == ["checksum"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("seconds REAL", "seconds REAH"), ("config TEXT NOT NULL", "config TEXT"), ("val_loss REAL", "val_loss")],
)
def test_a_schema_that_says_otherwise_is_reported(path: Path, old: str, new: str) -> None:
    problems = tampered(
        path,
        "PRAGMA writable_schema=ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = 'trials'",
    )
    assert {problem.rule for problem in problems} == {"schema"}


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("trigger", "CREATE TRIGGER x AFTER INSERT ON epochs BEGIN UPDATE epochs SET val_loss = 0; END"),
        ("view", "CREATE VIEW x AS SELECT * FROM trials"),
        ("table", "CREATE TABLE x (y)"),
        ("index", "CREATE UNIQUE INDEX x ON trials (state, id)"),
    ],
)
def test_what_somebody_else_put_into_a_store_is_told_of(path: Path, what: str, statement: str) -> None:
    assert [(one.rule, one.subject) for one in tampered(path, statement)] == [("schema", f"{what} x")]


def test_an_index_that_is_missing_is_told_of(path: Path) -> None:
    problems = tampered(path, "DROP INDEX ix_events_lineage")
    assert [(one.rule, one.subject, one.text) for one in problems] == [
        ("schema", "index ix_events_lineage", "it is missing")
    ]


def test_the_statistics_that_sqlite_keeps_are_no_problem(path: Path) -> None:
    assert tampered(path, "ANALYZE") == []


def test_swapped_positions_are_reported(path: Path) -> None:
    problems = tampered(
        path,
        "UPDATE job_trials SET position = 99 WHERE position = 0",
        "UPDATE job_trials SET position = 0 WHERE position = 1",
        "UPDATE job_trials SET position = 1 WHERE position = 99",
    )
    assert [problem.rule for problem in problems] == ["grid"]


def test_a_missing_table_is_damage(path: Path) -> None:
    make_asset(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE epochs")
    with open_store(path) as store:
        assert {problem.rule for problem in store.verify()} == {"schema"}
        with pytest.raises(StoreDamagedError, match="no such table"):
            store.job_epochs(JOB)


def test_verifying_changes_nothing(path: Path) -> None:
    make_asset(path)
    before = path.read_bytes()
    with open_store(path) as store:
        assert store.verify() == []
    assert path.read_bytes() == before
