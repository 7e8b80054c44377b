from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.schema import upgrading


@pytest.fixture(autouse=True)
def nobody_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved stores have a launch that may be alive elsewhere; none of them is."""
    monkeypatch.setattr(upgrading, "LISTENING_SECONDS", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A fresh store; whatever a test did to it must leave it sound, on the disk too."""
    with open_store(path) as opened:
        yield opened
    with open_store(path, create=False, read_only=True) as opened:
        assert opened.verify() == []
