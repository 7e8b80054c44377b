"""Importing a training function of the user's: `package.module:function`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gridsearch.errors import ModelError
from gridsearch.models.source_code import fingerprint_of
from gridsearch.models.user_objects import found_of_the_user
from gridsearch.training.own.trial import Trial

#: What a function is given and returns: nothing, or numbers by name.
TrainingFunction = Callable[[Trial], Any]


def imported(reference: str, search: Sequence[Path], code: str = "", *, seeded: bool = True) -> TrainingFunction:
    """Return a training function, its module imported here.

    Args:
        reference: `package.module:function`.
        search: Folders in which the module may lie.
        code: The fingerprint of its code when the trial was planned; empty to take it as it is.
        seeded: Whether the global generators are seeded while it is imported, which needs torch.

    Raises:
        ModelError: The module cannot be imported, has no such function, or has been edited since.
    """
    function, sources = found_of_the_user("training function", reference, search, seeded=seeded)
    if not callable(function):
        name = reference.rpartition(":")[2]
        raise ModelError(f"{reference!r}: {name!r} is no function; write def {name}(trial): ...")
    if code and fingerprint_of(sources) != code:
        raise ModelError(f"the source of {reference!r} changed since this trial was planned; launch again")
    found: TrainingFunction = function
    return found
