"""Opening a store to read from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.cli import jobs

if TYPE_CHECKING:
    from gridsearch.store.contract import Store


def open_to_read(path: Path, job: str | None) -> Store:
    """Return a store to read from; `StoreError` where there is none, naming where the job's may lie."""
    from gridsearch.store.opening import open_store

    jobs.require_store(path, job)
    return open_store(path, create=False, read_only=True)
