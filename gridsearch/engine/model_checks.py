"""Trying a job's model before anything runs: each combination of its settings is built and given two images."""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gridsearch.engine.dooms import Doom, Settings, dooms
from gridsearch.engine.model_questions import ModelEndedError, NotTriedError
from gridsearch.errors import ModelError
from gridsearch.models.registry import ModelSignature
from gridsearch.spec.job import JobSpec
from gridsearch.spec.kinds import as_written
from gridsearch.spec.trial import RECIPE_KEYS

if TYPE_CHECKING:
    from gridsearch.engine.trying import Tried

#: Combinations tried; of a larger grid those are taken that show every value, as far as these suffice.
MOST_TRIED = 200
#: How long models that need numbers are tried.
SECONDS_WITH_NUMBERS = 20.0
#: What torch says where there is no GPU; the workers may have one.
_GPU = re.compile("cuda|nvidia", re.IGNORECASE)


def check_model(job: JobSpec, model: ModelSignature, tried: Tried, combinations: Sequence[Settings]) -> list[Doom]:
    """Raise `ModelError`, with the place of the axis at fault, when the model cannot be built or gives no logits.

    Models are tried without memory for their numbers. One that needs numbers, and works with them, is left to the
    workers, who check again; it is tried on for a while, but only to see where it ends its process. Returned are the
    settings under which it does; where that are all that were tried, that is an error too.
    """
    names = [name for name in job.setting_names if name not in RECIPE_KEYS]
    found = _sorted_out(tried, telling(combinations, names))
    good, bad = found.good, found.bad
    if bad is None:
        return dooms(job, model, names, found.ended, good, combinations)

    def works(settings: Settings) -> bool:
        try:
            return not tried.problem(settings, with_numbers=False)
        except (ModelEndedError, NotTriedError):
            return False

    if not good:
        _check_lists(job, bad, works)
    hint = _whole_numbers(job, bad, works)
    raise ModelError(f"{_blamed(job, names, bad, good, works)}: {found.reason}{hint}")


@dataclass
class _SortedOut:
    """Settings under which a model works, those under which it ends its process, and the first with a mistake."""

    good: list[Settings] = field(default_factory=list)
    ended: list[tuple[Settings, ModelEndedError]] = field(default_factory=list)
    bad: Settings | None = None
    reason: str = ""


def _sorted_out(tried: Tried, combinations: Sequence[Settings]) -> _SortedOut:
    found = _SortedOut()
    until: float | None = None
    with contextlib.suppress(NotTriedError):
        for settings in combinations:
            if until and time.monotonic() > until:
                break
            try:
                said = tried.problem(settings, with_numbers=until is not None)
                if said and until is None and found.bad is None:
                    found.reason = tried.problem(settings, with_numbers=True)
                    if found.reason and not _wants_a_gpu(found.reason):
                        found.bad = settings
                        continue
                    until = time.monotonic() + SECONDS_WITH_NUMBERS
                if not said or until:
                    found.good.append(settings)
            except ModelEndedError as error:
                found.ended.append((settings, error))
    return found


def _wants_a_gpu(reason: str) -> bool:
    import torch

    return bool(_GPU.search(reason)) and not torch.cuda.is_available()


def telling(combinations: Iterable[Settings], names: Sequence[str]) -> list[Settings]:
    """Return the distinct combinations, at most `MOST_TRIED`: those that show a value first, then others."""
    shown: set[tuple[str, str]] = set()
    first: list[Settings] = []
    others: list[Settings] = []
    for settings in {repr(settings): settings for settings in combinations}.values():
        new = {(name, repr(settings.get(name))) for name in names} - shown
        shown |= new
        (first if new else others).append(settings)
    chosen = _evenly(first, MOST_TRIED)
    return chosen + _evenly(others, MOST_TRIED - len(chosen))


def _evenly(settings: Sequence[Settings], most: int) -> list[Settings]:
    return list(settings[:: -(-len(settings) // most) or 1]) if most else []


def _check_lists(job: JobSpec, bad: Settings, works: Callable[[Settings], bool]) -> None:
    """Raise `ModelError` where the model works with all of an axis as one value."""
    for axis in job.space.axes:
        if axis.name in bad and works({**bad, axis.name: list(axis.values)}):
            raise ModelError(
                f"{job.document.place(job.trail(axis.name))}: {axis.name}: a list is an axis, and model"
                f" {job.model!r} takes a list as one value: write [{as_written(list(axis.values))}]"
            )


def _whole_numbers(job: JobSpec, bad: Settings, works: Callable[[Settings], bool]) -> str:
    """Return what to write where the model works with the whole numbers of an axis from which numbers are drawn."""
    for axis in job.space.axes:
        if axis.continuous and isinstance(bad.get(axis.name), float):
            ends = (float(str(end)) for end in (axis.values[0], axis.values[-1]))
            low, high = math.ceil(next(ends)), math.floor(next(ends))
            if low < high and all(works({**bad, axis.name: whole}) for whole in (low, high)):
                return f"; whole numbers are drawn from {{range: [{low}, {high}]}}"
    return ""


def _blamed(
    job: JobSpec, names: Sequence[str], bad: Settings, good: Sequence[Settings], works: Callable[[Settings], bool]
) -> str:
    """Return the place of the one axis whose value works nowhere, and its name; else of a `--set`, or of the model.

    Where nothing works, that is the one without which the model, with its own default instead, does.
    """
    suspects = [name for name in names if all(repr(other.get(name)) != repr(bad.get(name)) for other in good)]
    if not good and len(suspects) > 1:
        without = {name: {key: value for key, value in bad.items() if key != name} for name in names if name in bad}
        suspects = [name for name, rest in without.items() if works(rest)] or suspects
    if len(suspects) != 1 or suspects[0] not in bad:
        trails = [job.trail(name) for name in suspects or names]
        return str(job.document.override(*trails) or job.document.place(("model",)))
    trail = job.trail(suspects[0])
    axis = next(axis for axis in job.space.axes if axis.name == suspects[0])
    return f"{job.document.place((*trail, axis.values.index(bad[suspects[0]])))}: {suspects[0]}"
