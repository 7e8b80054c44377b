"""A launch whose store is deleted or replaced while it trains: it says so, and writes to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridsearch.errors import StoreMovedError
from gridsearch.store.opening import open_store
from tests.engine.launching import Notes, launch, prepared


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    """Put another store in its place, with an open launch of the number that the first one has."""
    other = path.with_name("other.db")
    with open_store(other) as store:
        store.put_job("another", {}, "", [])
        store.open_launch("another", "host", 1, 0.0, 1)
    other.replace(path)


@pytest.mark.parametrize(("move", "told"), [(delete, "is gone: its file was deleted"), (replace, "was replaced")])
def test_a_store_that_is_deleted_or_replaced_is_told_of_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Callable[[Path], None], told: str
) -> None:
    store_path = tmp_path / "r.db"
    left: list[bytes] = []

    def act() -> None:
        if not left:
            move(store_path)
            left.append(store_path.read_bytes() if store_path.exists() else b"")

    with pytest.raises(StoreMovedError, match=told) as caught:
        launch(prepared(tmp_path), store_path, notes=Notes(1, act))
    assert str(store_path) in str(caught.value) and "\n" not in str(caught.value)
    assert left == [store_path.read_bytes() if store_path.exists() else b""]
    assert sorted(path.name for path in tmp_path.glob("r.db*")) == ["r.db"] * store_path.exists()


def test_a_stop_closes_no_launch_of_the_store_that_lies_there_now(tmp_path: Path) -> None:
    store_path = tmp_path / "r.db"

    def act() -> None:
        replace(store_path)
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, StoreMovedError)):
        launch(prepared(tmp_path), store_path, notes=Notes(1, act))
    with open_store(store_path) as store:
        assert [row.job for row in store.open_launches()] == ["another"]
