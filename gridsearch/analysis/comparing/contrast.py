"""What differs in the settings of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gridsearch.analysis.comparing.sides import Side
from gridsearch.analysis.labels import label
from gridsearch.analysis.rounding import rounded
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import RECIPE_DEFAULTS

#: So many digits of a hash tell two apart.
_DIGITS = 8
#: Of more values the first and the last are named.
_MOST_VALUES = 12


@dataclass(frozen=True, slots=True)
class Contrast:
    """Something in which jobs differ.

    Attributes:
        name: What it is: a setting, or a property of the jobs in words.
        values: What each job has, as text; empty where it has none.
    """

    name: str
    values: tuple[str, ...]


def contrasts(sides: Sequence[Side]) -> tuple[Contrast, ...]:
    """Return what differs between jobs: data, models, objective, then settings, of axes all values."""
    told = [dict(_properties(side)) for side in sides]
    records = [side.data.job.record for side in sides]
    found = []
    for name in dict.fromkeys(name for one in told for name in one):
        found.append(Contrast(name, tuple(one.get(name, "") for one in told)))
    if len({one.get("data set") for one in told}) == 1:
        found.insert(1, Contrast("content of the data set", tuple(record.fingerprint[:_DIGITS] for record in records)))
    found += [Contrast(name, tuple(_setting(record, name) for record in records)) for name in _names(records)]
    return tuple(one for one in found if len(set(one.values)) > 1)


def setting_of(record: JobRecord, name: str) -> tuple[Any, ...] | None:
    """Return the values that a setting has in a job, its default included; None where the job does not have it."""
    if values := record.values(name):
        return values
    defaults = [record.defaults(model) for model in record.models]
    if name == "model" and record.models and not record.training:
        return tuple(record.models)
    if defaults and all(name in own for own in defaults):
        return tuple(dict.fromkeys(_hashable(own[name]) for own in defaults))
    if not record.training and name in RECIPE_DEFAULTS:
        return (RECIPE_DEFAULTS[name],)
    return None


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def _names(records: Iterable[JobRecord]) -> list[str]:
    """Return the settings of jobs: axes first."""
    kept = list(records)
    axes = [name for record in kept for name in record.axis_names]
    fixed = [name for record in kept for name in record.fixed]
    of_models = [name for record in kept for model in record.models for name in record.defaults(model)]
    return [name for name in dict.fromkeys([*axes, *fixed, *of_models]) if name != "model"]


def _setting(record: JobRecord, name: str) -> str:
    values = setting_of(record, name)
    if values is None:
        return ""
    shown = rounded(values)
    texts = [shown[label(value)] for value in values]
    if len(texts) > _MOST_VALUES:
        return f"{texts[0]}, {texts[1]}, ..., {texts[-1]} ({len(texts)} values)"
    return ", ".join(texts)


def _properties(side: Side) -> Iterable[tuple[str, str]]:
    record, objective = side.data.job.record, side.data.objective
    yield "data set", record.dataset_text
    yield "training", {"function": "a function of your own", "command": "a command"}.get(record.training, "built in")
    yield "model", record.models_text
    yield "code of the model", _digits(record.model_sources)
    yield "inputs", _digits(record.inputs)
    yield "split", _split(side)
    for part, number in record.images.items():
        yield f"{part} images", f"{number:,}"
    yield "image format", _written(record.image_format.as_json())
    yield "objective", f"{'highest' if objective.highest else 'lowest'} {objective.metric}"
    yield "epoch of the score", "best" if objective.at == "best" else "last"
    yield "repeats", str(record.repeats)
    yield "repeats draw", record.repeat_over if record.repeats > 1 else ""
    yield "folds", str(record.folds or "")
    yield "search", record.search_text or "grid"
    yield "constraints", _written(dict(record.limits))
    yield "teacher", _written(record.teacher.model_dump(exclude_none=True)) if record.teacher else ""


def _split(side: Side) -> str:
    """Return how images are divided, as trials keep it."""
    if not side.data.rows or side.data.job.record.training:
        return ""
    return _written(json.loads(side.data.rows[0].config).get("split") or {}) or "default"


def _written(told: dict[str, Any]) -> str:
    return ", ".join(f"{name} {label(value)}" for name, value in told.items() if value is not None)


def _digits(hashes: Any) -> str:
    """Return the beginning of each hash, those in mappings of mappings too."""
    if isinstance(hashes, str):
        return hashes.removeprefix("sha256:")[:_DIGITS]
    return " ".join(filter(None, (_digits(one) for one in hashes.values())))
