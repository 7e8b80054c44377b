"""The user's own functions in a training: as they were when the trial was planned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from gridsearch.errors import ModelError
from gridsearch.models.functions import OwnFunction, find_function


def planned_function(kind: str, name: str, code: str, search: Sequence[Path]) -> OwnFunction:
    """Return the function that a trial names; `ModelError` where its source is another than the fingerprint says."""
    return _found(kind, name, code, tuple(search))


@lru_cache(256)
def _found(kind: str, name: str, code: str, search: tuple[Path, ...]) -> OwnFunction:
    """Kept, as it is asked for in each epoch of each model."""
    found = find_function(kind, name, search)
    if found.code != code:
        raise ModelError(f"the source of {kind} {name!r} changed since this trial was planned; launch again")
    return found
