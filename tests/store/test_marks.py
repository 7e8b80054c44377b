"""Every write to a store changes its mark, whichever journal it has; reading it takes no lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gridsearch.errors import StoreLockedError
from gridsearch.store.marks import mark_of
from gridsearch.store.opening import open_store
from gridsearch.store.reader import NoStoreError, Reader
from tests.store.grids import JOB, claim_all, epoch, grid, make_store, start


def test_every_write_changes_the_mark_and_reading_does_not(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    assert mark_of(path) is None
    with open_store(path) as store:
        seen = [mark_of(path)]
        launch = start(store, grid())
        seen.append(mark_of(path))
        (claim, *_) = claim_all(store, launch, grid())
        seen.append(mark_of(path))
        for number in range(20):
            store.record(launch, [epoch(claim, number)], {})
            seen.append(mark_of(path))
        store.counts(JOB), store.trials(JOB)
        assert mark_of(path) == seen[-1]
    assert len(set(seen)) == len(seen)


def test_a_mark_is_read_while_the_store_is_locked_and_a_reader_says_so_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    reader = Reader(path)
    with pytest.raises(NoStoreError, match="no store"):
        reader.read(lambda store: store.jobs())
    make_store(path, grid()).close()
    assert [row.name for row in reader.read(lambda store: store.jobs())] == [JOB]
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert mark_of(path) is not None
        with pytest.raises(StoreLockedError):
            reader.read(lambda store: store.jobs())
        other.execute("ROLLBACK")
    other.close()
    assert [row.name for row in reader.read(lambda store: store.jobs())] == [JOB]
    # Another file in its place is opened by itself.
    path.unlink()
    make_store(path, grid(rates=(0.3,))).close()
    assert len(reader.read(lambda store: store.trials(JOB))) == 2
    reader.close()
