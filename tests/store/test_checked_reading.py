"""What is read is checked when it is read: no changed row is ever shown, whatever it was changed to."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gridsearch.analysis.lineage_curves import timed
from gridsearch.analysis.measures import seconds_per_epoch
from gridsearch.analysis.named_curves import named_curves
from gridsearch.config.events import EpochRecord, ModelSize, StrategyMeasured
from gridsearch.errors import StoreDamagedError, StoreError
from gridsearch.store import checked_tables
from gridsearch.store.checksums import checksum
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store, refuse_unsound
from gridsearch.store.rows import Latency
from gridsearch.store.schema import tables
from tests.store.grids import JOB, claim_all, epochs, grid, make_store, placed, start
from tests.store.make_asset import RATES, make_asset

TRIALS = grid(rates=RATES, epochs=(1, 3))
LINEAGES = list(dict.fromkeys(trial.lineage_id for trial in TRIALS))
READERS: dict[str, Callable[[Store], Any]] = {
    "jobs": lambda store: store.jobs(),
    "job": lambda store: store.job(JOB),
    "states": lambda store: store.states([trial.trial_id for trial in TRIALS]),
    "lineages": lambda store: store.lineages([trial.lineage_id for trial in TRIALS]),
    "counts": lambda store: store.counts(JOB),
    "trials": lambda store: store.trials(JOB),
    "every trial": lambda store: store.trials(),
    "ranking": lambda store: store.ranking(JOB, "val_accuracy", 1, highest=True),
    "trial": lambda store: [store.trial(trial.trial_id) for trial in TRIALS],
    "epochs": lambda store: store.epochs([trial.lineage_id for trial in TRIALS]),
    "iter_curves": lambda store: list(store.iter_curves([trial.lineage_id for trial in TRIALS])),
    "times of epochs": lambda store: list(map(seconds_per_epoch, timed(store.trials(JOB), store)(LINEAGES))),
    "job_epochs": lambda store: store.job_epochs(JOB),
    "exported epochs": lambda store: list(named_curves(store, JOB)),
    "events": lambda store: store.events(),
    "evaluations": lambda store: store.evaluations(JOB),
    "latencies": lambda store: store.latencies(),
    "answers": lambda store: store.answers([trial.lineage_id for trial in TRIALS]),
    "measured": lambda store: store.measured(),
    "at_work": lambda store: store.at_work(JOB),
    "open_launches": lambda store: [(row.host, row.pid, row.workers) for row in store.open_launches()],
}
#: For each type of column values that nobody wrote: of the type, of another, and no text.
WRONG = {
    "INTEGER": ("{0} + 256", "'text'", "x'80ff'", "NULL", "1e300", "9223372036854775807"),
    "REAL": ("{0} * 1.0000001 + 1e-9", "'text'", "x'80ff'", "NULL", "9e999"),
    "BLOB": ("CAST({0} || x'00' AS BLOB)", "'text'", "x'80ff'", "17", "x''", "NULL", "1e300"),
    "TEXT": ("{0} || 'x'", "CAST(x'ff80fe' AS TEXT)", "x'ff80'", "17", "''", "'{{}}'", "NULL"),
}


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "results.db"
    make_asset(path)
    with open_store(path) as store:
        store.note_sizes({trial.lineage_id: ModelSize(1000, 2000) for trial in TRIALS})
        store.remember([StrategyMeasured("a machine", "w", "stacked", 2, 8, 0.5)])
    return path


def readings(path: Path) -> dict[str, str]:
    """Return what every reader says, or "damaged"."""
    said = {}
    with open_store(path, read_only=True, examine=False) as store:
        for name, read in READERS.items():
            try:
                said[name] = repr(read(store))
            except StoreDamagedError as error:
                assert "gridsearch verify" in str(error) and "\n" not in str(error)
                said[name] = "damaged"
            except StoreError as error:
                said[name] = str(error)
    return said


@pytest.fixture(scope="module")
def sound(asset: Path) -> dict[str, str]:
    return readings(asset)


def columns() -> list[tuple[str, str]]:
    return [
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if (table.name, column.name) not in (("launches", "beat"), ("launches", "beat_at"))
    ]


@pytest.mark.parametrize(("table", "column"), columns())
def test_a_changed_value_is_never_shown(
    asset: Path, sound: dict[str, str], path: Path, table: str, column: str
) -> None:
    draw = random.Random(f"{table}.{column}")
    kind = str(tables.metadata.tables[table].c[column].type.compile(sqlite_dialect()))
    for value in draw.sample(WRONG[kind], 2):
        shutil.copy(asset, path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            which = f"(SELECT {column} FROM {table} LIMIT 1 OFFSET {draw.randrange(rows)})"
            new = value.format(column)
            statement = (
                f"UPDATE OR IGNORE {table} SET {column} = {new} WHERE {column} IS {which} AND {column} IS NOT {new}"
            )
            try:
                with connection:
                    changed = connection.execute(statement).rowcount
            except sqlite3.IntegrityError:  # SQLite itself holds no such value
                continue
        said = readings(path)
        assert [name for name in READERS if said[name] not in (sound[name], "damaged")] == [], statement
        if changed:
            with open_store(path, read_only=True, examine=False) as store, pytest.raises(StoreDamagedError):
                refuse_unsound(store, path)


def sqlite_dialect() -> Any:
    from sqlalchemy.dialects import sqlite

    return sqlite.dialect()


@pytest.mark.parametrize("table", ["jobs", "lineages", "trials", "job_trials", "epochs", "evaluations"])
def test_a_missing_row_is_never_passed_over(asset: Path, sound: dict[str, str], path: Path, table: str) -> None:
    shutil.copy(asset, path)
    key = ", ".join(column.name for column in tables.metadata.tables[table].primary_key)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} LIMIT 1)")
    said = readings(path)
    about = {"jobs": "jobs", "lineages": "trials", "trials": "trials", "job_trials": "trials", "epochs": "job_epochs"}
    assert said[about.get(table, table)] == "damaged"
    partial = {
        "states",
        "lineages",
        "every trial",
        "epochs",
        "iter_curves",
        "events",
        "open_launches",
        "trial",
        "latencies",
        "answers",
    }
    assert all(said[name] in (sound[name], "damaged") for name in READERS.keys() - partial)


def test_rows_that_changed_places_are_noticed(asset: Path, path: Path) -> None:
    shutil.copy(asset, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for old, new in ((1, 99), (2, 1), (99, 2)):
            connection.execute("UPDATE lineages SET id = ? WHERE id = ?", (new, old))
    assert readings(path)["trials"] == "damaged"


def test_a_size_is_covered(asset: Path, path: Path) -> None:
    shutil.copy(asset, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE lineages SET parameters = parameters + 256")
    with open_store(path) as store:
        assert {(problem.rule, problem.subject.split()[0]) for problem in store.verify()} == {("checksum", "lineages")}
        with pytest.raises(StoreDamagedError, match=r"lineages 1 is not what was written.*gridsearch verify --store"):
            store.trials(JOB)


def test_damage_is_not_covered_by_a_change_of_its_row(path: Path) -> None:
    trials = grid()
    with make_store(path, trials) as store:
        launch = start(store, trials)
        (claim, *_) = claim_all(store, launch, trials)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE lineages SET parameters = 7 WHERE lineage_id = ?", (claim.lineage_id,))
        with pytest.raises(StoreDamagedError, match="is not what was written"):
            store.record(launch, [EpochRecord(claim.lineage_id, 1, 0, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1)], {})
        with pytest.raises(StoreDamagedError, match="is not what was written"):
            store.release(launch)


def test_zeros_without_a_sign_are_covered(path: Path) -> None:
    trials = grid()
    with make_store(path, trials) as store:
        launch = start(store, trials)
        claims = claim_all(store, launch, trials)
        for claim in claims:
            for number in range(4):
                nothing = EpochRecord(claim.lineage_id, 1, number, -0.0, 0.0, -0.0, 1, -0.0, 0)
                store.record(launch, [nothing], {})
        store.put_latencies([Latency(trials[0].trial_id, "cpu", 1, 10, -0.0, 3)])
        assert store.trials(JOB)[0].val_loss == 0
        assert len(store.job_epochs(JOB)) == 4 * len(claims)
        assert store.verify() == []


def test_an_upgrade_seals_no_damage(path: Path) -> None:
    assets = Path(__file__).parent / "assets"
    for statement, told in (
        ("UPDATE epochs SET val_loss = val_loss * 2 WHERE lineage = 1", "epochs 1/0 is not what was written"),
        ("UPDATE trials SET val_accuracy = 1 WHERE id = 1", "trial .* its val_accuracy is 1.0"),
        ("UPDATE jobs SET source = 'other'", "its specification is not the one that was put"),
    ):
        shutil.copy(assets / "m004.db", path)
        path.chmod(0o644)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        before = path.read_bytes()
        with pytest.raises(StoreDamagedError, match=told) as caught:
            open_store(path)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version SET version_num = x'ff80'",
        "UPDATE alembic_version SET version_num = 'm0'",
        "DELETE FROM alembic_version",
        "PRAGMA application_id = 7",
    ],
)
def test_a_store_whose_version_is_damaged_is_damaged(asset: Path, path: Path, statement: str) -> None:
    shutil.copy(asset, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert caught.value.exit_code == 5


def test_a_seal_is_the_same_everywhere() -> None:
    assert checksum() == 932_418_520
    assert checksum(1, 1.0, None, "", "größe \ud800", 2**40, -1, b"x") == 2_694_611_555
    assert len({checksum(1), checksum(1.0), checksum("1"), checksum(None), checksum(""), checksum(b"1")}) == 6


def test_every_table_but_the_members_of_grids_carries_a_seal() -> None:
    tables_with = {one.table.name for one in (*checked_tables.GROUND, *checked_tables.DERIVED)}
    assert tables_with == tables.metadata.tables.keys() - {"job_trials"}


@pytest.fixture
def watched(path: Path) -> Iterator[tuple[Store, Store, int]]:
    """Yield a store that has looked at its trials again and again, another connection to it, and a launch there."""
    with make_store(path, TRIALS) as store, open_store(path, read_only=True) as reader:
        launch = start(store, TRIALS)
        for _ in range(3):
            store.beat(launch)
            assert reader.counts(JOB) == {"pending": len(TRIALS)}
        yield reader, store, launch


def test_what_others_record_is_seen_by_whoever_looks_again(watched: tuple[Store, Store, int]) -> None:
    reader, store, launch = watched
    for claim in claim_all(store, launch, TRIALS):
        store.record(launch, list(epochs(claim, 3)), {})
        assert reader.counts(JOB) == store.counts(JOB)
        assert reader.ranking(JOB, "val_loss", 9, highest=False) == store.ranking(JOB, "val_loss", 9, highest=False)
    store.put_job(JOB, {}, "", TRIALS[1:])
    assert reader.counts(JOB) == {"completed": len(TRIALS) - 1}


@pytest.mark.parametrize("change", ["state = 'cancelled', finished_at = ''", "val_loss = 0.5", "lineage = 2"])
def test_damage_is_seen_by_whoever_looks_again(watched: tuple[Store, Store, int], change: str) -> None:
    reader, store, _ = watched
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(f"UPDATE OR REPLACE trials SET {change} WHERE id = 1")
    for look in (lambda: reader.counts(JOB), lambda: reader.ranking(JOB, "val_loss", 1, highest=False)):
        with pytest.raises(StoreDamagedError):
            look()


def test_a_lineage_that_looks_as_if_it_had_no_epochs_is_noticed(asset: Path, path: Path) -> None:
    shutil.copy(asset, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE lineages SET epoch = -1 WHERE id = 1")
    assert readings(path)["job_epochs"] == "damaged"


def test_the_events_of_a_trial_are_those_of_its_own_lineage(asset: Path, path: Path) -> None:
    shutil.copy(asset, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        (name,) = connection.execute("SELECT trial_id FROM trials WHERE id = 1").fetchone()
        connection.execute("UPDATE trials SET enqueued = enqueued + 1, lineage = 99 WHERE id = 1")
    with open_store(path, read_only=True, examine=False) as store, pytest.raises(StoreDamagedError, match="trials 1"):
        store.events(trial_id=name)


def test_the_neighbours_of_a_lineage_are_those_that_it_had(path: Path) -> None:
    with make_store(path, TRIALS) as store:
        launch = start(store, TRIALS)
        claims = claim_all(store, launch, TRIALS)
        store.record(launch, list(placed(claims)), {})
        assert store.trainings(claims[0].lineage_id)[0].formation.places
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE lineages SET lineage_id = 'x' || lineage_id WHERE id = 2")
        with pytest.raises(StoreDamagedError, match="lineages 2 is not what was written"):
            store.trainings(claims[0].lineage_id)


@pytest.mark.parametrize(
    "change",
    [
        "events SET at = '2020-01-01T00:00:00.000000+00:00' WHERE kind = 'claimed'",
        "events SET kind = 'released' WHERE kind = 'claimed'",
        "lineages SET launch = NULL",
        "launches SET ended_at = '', outcome = 'lost'",
    ],
)
def test_when_a_worker_was_heard_of_is_checked(path: Path, change: str) -> None:
    with make_store(path, TRIALS) as store:
        claim_all(store, start(store, TRIALS), TRIALS)
        assert len(store.at_work(JOB)) == 1
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE {change}")
        with pytest.raises(StoreDamagedError):
            store.at_work(JOB)
