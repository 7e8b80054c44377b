"""While one process removes what nobody holds, another cannot come to hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.errors import StoreLockedError
from gridsearch.store.opening import open_store
from tests.store.grids import grid, start


def test_nobody_can_claim_what_is_being_removed(tmp_path: Path) -> None:
    path, name = tmp_path / "r.db", grid()[0].lineage_id
    with open_store(path) as one, open_store(path) as other:
        launch = start(other, grid())
        with one.unclaimed([name]) as free:
            assert set(free) == {name}
            with other.waiting_at_most(0.3), pytest.raises(StoreLockedError):
                other.claim(launch, {name: 3})
        assert [claim.lineage_id for claim in other.claim(launch, {name: 3})] == [name]
        with one.unclaimed([name]) as free:
            assert free == {}


def test_what_goes_wrong_within_lets_go_of_the_store(tmp_path: Path) -> None:
    path, name = tmp_path / "r.db", grid()[0].lineage_id
    with open_store(path) as one, open_store(path) as other:
        launch = start(other, grid())
        with pytest.raises(OSError), one.unclaimed([name]):
            raise OSError("the folder is not ours")
        assert other.claim(launch, {name: 3})
