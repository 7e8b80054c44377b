"""The JSON schema of job files, for editors: completion, hover texts and red underlines while writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from gridsearch.config.axes import CONTINUOUS
from gridsearch.config.job_file import TRAIN, JobFile
from gridsearch.config.trial import Recipe, Value
from gridsearch.config.yaml_source import PRIVATE


def job_schema(*, datasets: Sequence[str], models: Sequence[str]) -> dict[str, Any]:
    """Return the schema (draft 2020-12); `datasets` and `models` are the names to offer.

    The descriptions are the docstrings of the fields of `JobFile`, its sections and `Recipe`.
    """
    schema = JobFile.model_json_schema()
    recipe = Recipe.model_json_schema()["properties"]
    found = schema["properties"] | recipe
    model = [{"enum": list(models)}, {"type": "string", "pattern": "^[\\w.]+:\\w+$"}]
    several = {"type": "array", "items": {"anyOf": model}, "minItems": 1, "uniqueItems": True}
    settings = {
        name: _axis({key: of for key, of in value.items() if key not in ("title", "default", "description")})
        | _description(value)
        for name, value in recipe.items()
    }
    offered: dict[str, dict[str, Any]] = {
        "dataset": {"anyOf": [{"enum": list(datasets)}, {"type": "string", "minLength": 1}]},
        "model": {"anyOf": [*model, several]},
        "search": {"anyOf": [{"const": "grid"}, {"$ref": "#/$defs/RandomSearch"}], "default": "grid"},
        "space": {"type": "object", "properties": settings, "additionalProperties": _axis(_value())},
    }
    schema["properties"] |= {name: value | _description(found[name]) for name, value in offered.items()} | settings
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "gridsearch job"
    schema["oneOf"] = [{"required": ["dataset", "model"]}, {"required": [TRAIN]}]
    schema["patternProperties"] = {f"^{PRIVATE}": {}}
    return schema


def _description(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": found["description"]}


def _value() -> dict[str, Any]:
    return TypeAdapter(Value).json_schema()


def _axis(value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value, a list of values, or a range."""
    ends = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    ranges = [
        {
            "type": "object",
            "properties": {kind: ends, parameter: {"type": number}},
            "required": [kind, *([parameter] if kind != "range" else [])],
            "additionalProperties": False,
        }
        for kind, parameter, number in (
            ("linspace", "num", "integer"),
            ("logspace", "num", "integer"),
            ("range", "step", "number"),
        )
    ]
    ranges += [
        {"type": "object", "properties": {kind: ends}, "required": [kind], "additionalProperties": False}
        for kind in CONTINUOUS
    ]
    return {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}, *ranges]}
