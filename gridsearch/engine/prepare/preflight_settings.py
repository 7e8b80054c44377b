"""The values that a job gives its model's settings, held against what the model's constructor says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gridsearch.config.axes import Axis
from gridsearch.config.identity import canonical_value
from gridsearch.config.job import JobSpec
from gridsearch.config.job_file import MODEL
from gridsearch.config.space import Space
from gridsearch.config.trial import RECIPE_KEYS, TrialConfig, Value
from gridsearch.config.value_kinds import as_written
from gridsearch.errors import ModelError
from gridsearch.models.registry import ModelSignature, has_beside


def fitted_job(job: JobSpec, models: Sequence[ModelSignature]) -> JobSpec:
    """Return the job with numbers as its models take them.

    Only what loses nothing is made to fit, `1` to `1.0`: text stays text, as a model would take "false" for true.
    """
    for model in models:
        axes = [
            replace(axis, values=tuple(map(model.takes(axis.name).fitted, axis.values)))
            if axis.name not in job.loss_settings and _is_of(model, axis.name, models)
            else axis
            for axis in job.space.axes
        ]
        job = replace(job, space=Space(axes))
    return job


def check_fits(job: JobSpec, models: Sequence[ModelSignature], configs: Sequence[TrialConfig]) -> None:
    """Raise `ModelError`, with its place, for a value that a model cannot have, where one of these trials has it.

    A value is held against each of the models that have the setting; what a rule leaves out is no matter.
    """
    for model in models:
        for axis in job.space.axes:
            if axis.name in job.loss_settings or not _is_of(model, axis.name, models):
                continue
            wrong = [index for index, value in enumerate(axis.values) if model.takes(axis.name).problem(value)]
            if not wrong:
                continue
            own = [config.hyper for config in configs if config.model == model.name]
            held = {repr(canonical_value(hyper[axis.name])) for hyper in own if axis.name in hyper}
            first = next((index for index in wrong if repr(canonical_value(axis.values[index])) in held), None)
            if first is not None:
                _check_lists(job, model, axis)
                raise _misfit(job, model, axis, first)


def _is_of(model: ModelSignature, key: str, models: Sequence[ModelSignature]) -> bool:
    return key not in RECIPE_KEYS and key != MODEL and has_beside(model, key, models)


def _misfit(job: JobSpec, model: ModelSignature, axis: Axis, index: int) -> ModelError:
    trail, written_as_list = job.trail(axis.name), isinstance(_written(job, axis.name), list)
    place = job.document.place((*trail, index) if written_as_list else trail)
    hint = "" if written_as_list else _whole_numbers(axis.values)
    said = model.takes(axis.name).problem(axis.values[index])
    out = f"{MODEL} == {as_written(model.name)} and {axis.name} == {as_written(axis.values[index])}"
    rule = f"; or leave it out with a rule, skip: {out}" if len(job.models) > 1 else ""
    return ModelError(f"{place}: {axis.name}: model {model.name!r}: {said}{hint}{rule}")


def _written(job: JobSpec, key: str) -> object:
    found: object = job.document.data
    for part in job.trail(key):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _check_lists(job: JobSpec, model: ModelSignature, axis: Axis) -> None:
    """Raise `ModelError` where a list was written as one value, and so is an axis of its items."""
    wanted = model.takes(axis.name)
    lists = [value for value in axis.values if isinstance(value, list)]
    items = [item for value in lists for item in value]
    if wanted.kinds - {"null"} != {"list"}:
        return
    of_lists = bool(items) and wanted.items == {"list"} and not any(isinstance(item, list) for item in items)
    if not lists or of_lists:
        raise ModelError(
            f"{job.document.place(job.trail(axis.name))}: {axis.name}: a list is an axis, but model {model.name!r}"
            f" takes a list{' of lists' if of_lists else ''} as one value: write [{as_written(list(axis.values))}]"
        )


def _whole_numbers(values: Sequence[Value]) -> str:
    """Return what to write in place of a range with fractions."""
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return ""
    low, high = math.ceil(min(numbers)), math.floor(max(numbers))
    return f"; whole numbers are drawn from {{range: [{low}, {high}]}}" if low < high else ""
