from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store


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
