"""The values that a job gives its model's settings, held against what the model's constructor says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gridsearch.errors import ModelError
from gridsearch.models.registry import ModelSignature
from gridsearch.spec.domains import Axis
from gridsearch.spec.job import MODEL, JobSpec
from gridsearch.spec.kinds import as_written
from gridsearch.spec.space import Space
from gridsearch.spec.trial import RECIPE_KEYS, Value


def fitted_job(job: JobSpec, models: Sequence[ModelSignature]) -> JobSpec:
    """Return the job with numbers as its models take them; `ModelError`, with its place, for a value that one cannot.

    Only what loses nothing is made to fit, `1` to `1.0`: text stays text, as a model would take "false" for true. A
    value is held against each of the models that have the setting.
    """
    for model in models:
        axes = [_fitted(job, model, axis) if _is_of(model, axis.name) else axis for axis in job.space.axes]
        job = replace(job, space=Space(axes))
    return job


def _is_of(model: ModelSignature, key: str) -> bool:
    return key not in RECIPE_KEYS and key != MODEL and model.has(key)


def _fitted(job: JobSpec, model: ModelSignature, axis: Axis) -> Axis:
    _check_lists(job, model, axis)
    written = isinstance(_written(job, axis.name), list)
    values = [
        _fitted_value(job, model, axis.name, axis.values, index, written_as_list=written)
        for index in range(len(axis.values))
    ]
    return replace(axis, values=tuple(values))


def _fitted_value(
    job: JobSpec, model: ModelSignature, key: str, values: Sequence[Value], index: int, *, written_as_list: bool
) -> Value:
    wanted, value = model.takes(key), values[index]
    if said := wanted.problem(value):
        trail = job.trail(key)
        place = job.document.place((*trail, index) if written_as_list else trail)
        hint = "" if written_as_list else _whole_numbers(values)
        raise ModelError(f"{place}: {key}: model {model.name!r}: {said}{hint}")
    fitted: Value = wanted.fitted(value)
    return fitted


def _written(job: JobSpec, key: str) -> object:
    found: object = job.document.data
    for part in job.trail(key):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _check_lists(job: JobSpec, model: ModelSignature, axis: Axis) -> None:
    """Raise `ModelError` where a list was written as one value, and so is an axis of its items."""
    if model.takes(axis.name).kinds - {"null"} == {"list"} and not any(isinstance(v, list) for v in axis.values):
        raise ModelError(
            f"{job.document.place(job.trail(axis.name))}: {axis.name}: a list is an axis, and model {model.name!r}"
            f" takes a list as one value: write [{as_written(list(axis.values))}]"
        )


def _whole_numbers(values: Sequence[Value]) -> str:
    """Return what to write in place of a range with fractions."""
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return ""
    low, high = math.ceil(min(numbers)), math.floor(max(numbers))
    return f"; whole numbers are drawn from {{range: [{low}, {high}]}}" if low < high else ""
