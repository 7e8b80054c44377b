"""Trying a job's model before anything runs: each combination of its settings is built and given two images."""

from __future__ import annotations

import contextlib
import io
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gridsearch.errors import ModelError, one_line
from gridsearch.models.registry import ModelClass, build_model, settings_text
from gridsearch.models.seeding import random_states_kept
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import RECIPE_KEYS
from gridsearch.training.outputs import checked_logits

#: Combinations tried; of a larger grid those are taken that show every value, as far as these suffice.
MOST_TRIED = 200
#: What torch says where there is no GPU; the workers may have one.
_GPU = re.compile("cuda|nvidia", re.IGNORECASE)

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What a model is given and asked for: the shape of an image (C, H, W) and the number of classes K."""

    image_shape: tuple[int, int, int]
    num_classes: int


def check_model(job: JobSpec, model: ModelClass, seen: Seen, combinations: Iterable[Settings]) -> None:
    """Raise `ModelError`, with the place of the axis at fault, when the model cannot be built or gives no logits.

    Models are tried without memory for their numbers. One that needs numbers, and works with them, is left to the
    workers, who check again.
    """
    names = [name for name in job.setting_names if name not in RECIPE_KEYS]
    good: list[Settings] = []
    bad: Settings | None = None
    reason = ""
    for settings in telling(combinations, names):
        if not _problem(model, settings, seen, "meta"):
            good.append(settings)
        elif bad is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            reason = _problem(model, settings, seen, device)
            if not reason or (device == "cpu" and _GPU.search(reason)):
                return
            bad = settings
    if bad is None:
        return

    def works(settings: Settings) -> bool:
        return not _problem(model, settings, seen, "meta")

    if not good:
        _check_lists(job, bad, works)
    hint = _whole_numbers(job, bad, works)
    raise ModelError(f"{_blamed(job, names, bad, good, works)}: {reason}{hint}")


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


def _problem(model: ModelClass, settings: Settings, seen: Seen, device: str) -> str:
    """Return what is wrong with the model under these settings on a device, as one line; nothing when it works."""
    where = torch.device(device)
    try:
        # What the user's code prints here, or torch warns of, would stand in the midst of a plan.
        with (
            random_states_kept(),
            where,
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            built = build_model(model, settings, image_shape=seen.image_shape, num_classes=seen.num_classes)
            built.to(where).eval()
            before = built.state_dict().keys()
            with torch.no_grad():
                checked_logits(built, torch.zeros(2, *seen.image_shape), seen.num_classes)
            if made := built.state_dict().keys() - before:
                raise ModelError(
                    f"its forward makes {min(made)!r}, which nobody would train: make it in the constructor, or use"
                    " torch's lazy modules"
                )
    except Exception as error:
        known = isinstance(error, ModelError) and repr(model.name) in str(error)
        text = str(error) if isinstance(error, ModelError) else one_line(error)
        return text if known else f"model {model.name!r} does not work with {settings_text(settings)}: {text}"
    return ""


def _check_lists(job: JobSpec, bad: Settings, works: Callable[[Settings], bool]) -> None:
    """Raise `ModelError` where the model works with all of an axis as one value."""
    for axis in job.space.axes:
        if axis.name in bad and works({**bad, axis.name: list(axis.values)}):
            raise ModelError(
                f"{job.document.place(job.trail(axis.name))}: {axis.name}: a list is an axis, and model"
                f" {job.model!r} takes a list as one value: write [{list(axis.values)}]"
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
