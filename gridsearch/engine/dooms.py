"""Settings under which a model ended the process it was tried in: their trials fail, and the others are trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gridsearch.engine.model_questions import ModelEndedError
from gridsearch.errors import ModelError
from gridsearch.models.registry import ModelSignature, settings_text
from gridsearch.spec.job import JobSpec
from gridsearch.spec.kinds import as_written

Settings = Mapping[str, Any]
Ended = Sequence[tuple[Settings, ModelEndedError]]


@dataclass(frozen=True)
class Doom:
    """Why the trials under some settings cannot be trained; `settings` are all such, `shared` what they have in common.

    `place` is where in the job what they share stands. `account` says where the model was when it ended, for a log.
    """

    place: str
    error: str
    shared: Settings
    settings: tuple[Settings, ...]
    account: str

    @cached_property
    def keys(self) -> set[str]:
        """Return the settings as `settings_key` writes them."""
        return {settings_key(one) for one in self.settings}

    @property
    def mend(self) -> str:
        """Return what to write so that there are no such trials."""
        rule = " and ".join(f"{key} == {as_written(value)}" for key, value in self.shared.items())
        return f"leave them out with a rule, skip: {rule}" if rule else "mend the model"


def settings_key(settings: Settings) -> str:
    """Return a text that is the same for the same settings."""
    return json.dumps(settings, sort_keys=True)


def dooms(
    job: JobSpec,
    model: ModelSignature,
    names: Sequence[str],
    ended: Ended,
    good: Sequence[Settings],
    every: Iterable[Settings],
) -> list[Doom]:
    """Return what follows from some settings' ends, one for each cause; `ModelError` where these are all there are.

    Of `every` combination of the grid those that were not tried are taken to end as well where they have a value that
    was met in ended ones and in no good one.
    """
    if not ended:
        return []
    causes: dict[str, list[tuple[Settings, ModelEndedError]]] = {}
    for settings, error in ended:
        causes.setdefault(str(error), []).append((settings, error))
    tried = {settings_key(settings) for settings in [*good, *(settings for settings, _ in ended)]}
    untried = [settings for settings in every if settings_key(settings) not in tried]
    if not good and not untried:
        cause, found = next(iter(causes.items()))
        settings = found[0][0]
        place = job.document.override(("model",)) or job.document.place(("model",))
        others = model.others_text(settings)
        shown = settings_text(settings)
        raise ModelError(f"{place}: model {job.model!r} {cause} when it was tried with {shown}{others}")
    # Where nothing is known to work, every value would look guilty: what was not tried is left to the workers.
    return [_doom(job, names, cause, found, good, untried if good else []) for cause, found in causes.items()]


def _doom(
    job: JobSpec,
    names: Sequence[str],
    cause: str,
    found: Ended,
    good: Sequence[Settings],
    untried: Sequence[Settings],
) -> Doom:
    first = found[0][0]
    common = {
        name: first[name]
        for name in names
        if name in first and all(_same(first, settings, name) for settings, _ in found)
    }
    guilty = {
        name: value for name, value in common.items() if not any(_same(first, settings, name) for settings in good)
    }
    suspects = [
        (settings, name)
        for settings, _ in found
        for name in names
        if name in settings and not any(_same(settings, other, name) for other in good)
    ]
    alike = [one for one in untried if any(_same(one, settings, name) for settings, name in suspects)]
    axes = {axis.name for axis in job.space.axes}
    shared = guilty or {name: value for name, value in common.items() if name in axes}
    shown = settings_text(shared) if shared else f"{settings_text(first)} and others"
    named = next(iter(guilty), None)
    return Doom(
        place=str(_place(job, named, guilty[named]) if named else job.document.place(("model",))),
        error=f"model {job.model!r} {cause} when it was tried with {shown}",
        shared=shared,
        settings=tuple({settings_key(one): one for one in [*(one for one, _ in found), *alike]}.values()),
        account=found[0][1].account.strip() or "Where it was when it ended is not known.",
    )


def _place(job: JobSpec, name: str, value: Any) -> Any:
    trail = job.trail(name)
    axis = next((axis for axis in job.space.axes if axis.name == name), None)
    return job.document.place((*trail, axis.values.index(value)) if axis and value in axis.values else trail)


def _same(one: Settings, other: Settings, name: str) -> bool:
    return repr(one.get(name)) == repr(other.get(name))
