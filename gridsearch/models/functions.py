"""The user's functions that a recipe names: what each is given, and what its other arguments, its settings, may be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridsearch.errors import ModelError
from gridsearch.models.arguments import Wanted, wanted_of
from gridsearch.models.plain import is_plain
from gridsearch.models.source_code import fingerprint_of
from gridsearch.models.user_objects import found_of_the_user

SCHEDULE, AUGMENT = "schedule", "augment"
#: What each kind of function may take that is no setting.
GIVEN = {SCHEDULE: ("epoch", "step", "steps_per_epoch", "epochs"), AUGMENT: ("image_shape",)}

#: The sources of the modules imported here: what was edited since is not what runs.
_known: dict[str, Mapping[str, str]] = {}


@dataclass(frozen=True)
class FunctionSignature:
    """What a function takes, without the function itself.

    Attributes:
        kind: The setting that names it, `schedule` or `augment`.
        name: The function as the job names it.
        given: Its arguments that are given to it (`GIVEN`).
        required: The settings that a job must give.
        optional: The others, with their defaults.
        code: The fingerprint of its source.
        wanted: What values each setting may have.
    """

    kind: str
    name: str
    given: tuple[str, ...]
    required: tuple[str, ...]
    optional: Mapping[str, Any]
    code: str
    wanted: Mapping[str, Wanted] = field(kw_only=True)

    @property
    def settings(self) -> tuple[str, ...]:
        """Return the names of its settings."""
        return (*self.required, *self.optional)

    def fitted(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings as the function takes them: as a store has them, whole numbers are integers."""
        return {key: (self.wanted.get(key) or Wanted()).fitted(value) for key, value in settings.items()}


@dataclass(frozen=True)
class OwnFunction(FunctionSignature):
    """A function that can be called."""

    call: Callable[..., Any]


def find_function(kind: str, name: str, search: Sequence[Path]) -> OwnFunction:
    """Return a function of the user's, `module:function`; `ModelError` where it is not found, or takes what it cannot.

    Args:
        kind: The setting that names it.
        name: Its name.
        search: The folders in which its module may lie.
    """
    module_name, _, own = name.rpartition(":")
    found, sources = found_of_the_user(kind, name, search)
    if not callable(found):
        raise ModelError(f"{kind} {name!r}: {own!r} is no function")
    if _known.setdefault(module_name, sources) != sources:
        raise ModelError(f"{kind} {name!r}: its module has changed since it was imported here; start Python again")
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):
        raise ModelError(f"{kind} {name!r}: its arguments cannot be read; write a function around it") from None
    for key, one in parameters.items():
        if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            raise ModelError(f"{kind} {name!r}: takes any arguments ({one}); name its settings, so that a job can")
        if one.kind is one.POSITIONAL_ONLY:
            raise ModelError(f"{kind} {name!r}: argument {key!r} cannot be given by keyword")
    settings = {key: one.default for key, one in parameters.items() if key not in GIVEN[kind]}
    empty = inspect.Parameter.empty
    optional = {key: default for key, default in settings.items() if default is not empty}
    if odd := next((key for key, default in optional.items() if not is_plain(default)), None):
        raise ModelError(
            f"{kind} {name!r}: the default of {odd!r} must be text, a number, true, false, null or a list of these"
        )
    return OwnFunction(
        kind,
        name,
        tuple(key for key in parameters if key in GIVEN[kind]),
        tuple(key for key, default in settings.items() if default is empty),
        optional,
        fingerprint_of(sources),
        found,
        wanted=wanted_of(found),
    )
