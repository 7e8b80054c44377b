"""Times of epochs read without the rest are those of the whole curves, and none that was changed is shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gridsearch.analysis.lineage_curves import timed
from gridsearch.analysis.measures import seconds_per_epoch
from gridsearch.errors import StoreDamagedError
from gridsearch.store.opening import open_store
from tests.store.grids import JOB, claim_all, epoch, grid, make_store, start

TRIALS = grid(rates=(0.1, 0.01), epochs=(1, 3))
LINEAGES = list(dict.fromkeys(trial.lineage_id for trial in TRIALS))
SECONDS = (0.7, 0.1, 0.4, 0.2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a store in which one lineage has all of its epochs, the other those of its shorter trial."""
    path = tmp_path / "results.db"
    with make_store(path, TRIALS) as store:
        launch = start(store, TRIALS)
        for claim in claim_all(store, launch, TRIALS):
            last = 3 if claim.lineage_id == LINEAGES[0] else 2
            records = [replace(epoch(claim, number), seconds=SECONDS[number]) for number in range(last + 1)]
            store.record(launch, records, {})
    return path


def test_a_trial_with_a_result_tells_whether_its_times_are_what_was_written(path: Path) -> None:
    with open_store(path, read_only=True) as store:
        done, begun = timed(store.trials(JOB), store)(LINEAGES)
        assert [done.seconds, begun.seconds] == [curve.seconds for curve in store.iter_curves(LINEAGES)]
        assert [seconds_per_epoch(done), seconds_per_epoch(begun)] == [0.2, 0.25]
        assert done.val_loss == () and len(begun.val_loss) == 3  # of one without a result all is read, and checked


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE epochs SET seconds = seconds + 1e-9 WHERE epoch = 2",
        "UPDATE epochs SET seconds = 'soon' WHERE epoch = 1",
        "UPDATE epochs SET epoch = 7 WHERE epoch = 2",
        "DELETE FROM epochs WHERE epoch = 0",
        "DELETE FROM epochs WHERE epoch = 1",
    ],
)
def test_changed_times_are_never_shown(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        assert connection.execute(change).rowcount
    with open_store(path, read_only=True, examine=False) as store, pytest.raises(StoreDamagedError):
        list(timed(store.trials(JOB), store)(LINEAGES))
