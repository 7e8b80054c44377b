"""The settings of a job file: their values checked one by one, their axes, and the rules over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    TypeAdapter,
    ValidationError,
)

from gridsearch.config.axes import Axis, axis_of, values_of
from gridsearch.config.environment import expanded
from gridsearch.config.habits import module_path, value_habit
from gridsearch.config.identity import canonical_value
from gridsearch.config.image_format import FORMAT_KEYS
from gridsearch.config.job_file import JOB_KEYS, MODEL
from gridsearch.config.losses import one_list
from gridsearch.config.rules import Rule, parse_rule
from gridsearch.config.sections import SkipRule
from gridsearch.config.trial import (
    FUNCTION_KEYS,
    PAIR_KEYS,
    RECIPE_KEYS,
    TEXT_KEYS,
    Recipe,
    Value,
)
from gridsearch.config.value_kinds import Comparable, Kind, OtherText, comparable_to
from gridsearch.config.wording import explain
from gridsearch.config.yaml_source import Document, Trail
from gridsearch.errors import JobError

_TOP = "cannot be an axis: it belongs at the top of the file"
_RECIPE_TYPES: dict[str, TypeAdapter[Any]] = {
    key: TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
    for key, info in Recipe.model_fields.items()
}


def recipe_comparable(key: str) -> Comparable:
    """Return what a setting of the recipe can be equal to: what a job may give it."""
    annotation = Recipe.model_fields[key].annotation
    kinds: dict[Any, Kind] = {bool: "true/false", int: "number", float: "number"}

    def problem(value: Any) -> str:
        try:
            _RECIPE_TYPES[key].validate_python(canonical_value(value), strict=True)
        except ValidationError as error:
            return explain(error.errors(include_url=False)[0])
        return ""

    parts = [annotation, *get_args(annotation)]
    texts = [text for part in parts for text in get_args(part) if isinstance(text, str)]
    if key in PAIR_KEYS:
        return Comparable(frozenset({"list"}), frozenset({"number"}), problem=problem)
    known: set[Kind] = (
        {"text", "list"} if any(get_origin(part) is list for part in parts) else {kinds.get(annotation, "text")}
    )
    return Comparable(frozenset(known), problem=problem, texts=texts)


def comparables(
    values: Mapping[str, Sequence[Value]], other_text: OtherText, typed: Sequence[str] = RECIPE_KEYS
) -> dict[str, Comparable]:
    """Return what each setting can be equal to in an expression, those of the recipe included.

    Args:
        values: The values of the job's settings; may include its models.
        other_text: As for `comparable_to`.
        typed: The settings whose values the recipe checks; of an own training not all.
    """
    own = {key: found for key, found in values.items() if key not in typed or key in TEXT_KEYS}
    return {key: recipe_comparable(key) for key in typed} | {
        key: comparable_to(found, other_text=other_text) for key, found in own.items()
    }


def checked_settings(
    document: Document, space: dict[str, Any], typed: Sequence[str]
) -> tuple[dict[str, Value], list[Axis]]:
    """Return the fixed settings and the axes; `typed` may stand at the top or in the space, not in both.

    Other settings are a model's or a function's own, and may have any value.
    """
    fixed: dict[str, Value] = {}
    axes: list[Axis] = []
    for key in (key for key in document.data if key in typed):
        if key in space:
            raise document.error(("space", key), "is also set at the top of the file; keep one of the two", key=True)
        values = _checked_values(document, (key,), document.data[key], typed)
        if isinstance(document.data[key], (list, dict)) and not _is_one_list(key, document.data[key], typed):
            axes.append(axis_of(key, document.data[key], values))
        else:
            fixed[key] = values[0]
    for key, written in space.items():
        if typed is RECIPE_KEYS and key in JOB_KEYS and key not in FORMAT_KEYS:
            may = "it belongs at the top of the file, with several values too" if key == MODEL else _TOP
            raise document.error(("space", key), may, key=True)
        if not key.isidentifier():
            raise document.error(("space", key), "is not a usable name: letters, digits and _ only", key=True)
        values = _checked_values(document, ("space", key), written, typed)
        axes.append(axis_of(key, written, values))
    for key, info in Recipe.model_fields.items() if typed is RECIPE_KEYS else ():
        if info.is_required() and key not in fixed and key not in space and key not in document.data:
            raise JobError(f"{document.source}: {key}: missing; give it a value, or an axis under 'space'")
    return fixed, axes


def _is_one_list(key: str, written: Any, typed: Sequence[str]) -> bool:
    """Whether a list is one value: numbers, of a setting that is a list of them."""
    of_lists = key in PAIR_KEYS and key in typed and isinstance(written, list)
    return of_lists and not any(isinstance(one, (list, dict)) for one in written)


def _checked_values(document: Document, trail: Trail, written: Any, typed: Sequence[str]) -> list[Value]:
    items = range(len(written)) if isinstance(written, list) else ()
    for place in (trail, *((*trail, index) for index in items)):
        if place in document.empty:
            raise document.error(place, "the value is empty; write one, write null for no value, or remove the key")
    if not document.accepted and (said := value_habit(str(trail[-1]), written)):
        raise document.error(trail, said)
    if written == [] and trail[-1] in typed:
        raise document.error(trail, "[] has no value: write one or more, or leave the key out")
    weights = trail[-1] == "class_weights" and trail[-1] in typed
    written = one_list(written) if weights else written
    one = _is_one_list(str(trail[-1]), written, typed)
    try:
        values: list[Value] = [
            canonical_value(value) for value in values_of([written] if one else written, mixed=weights)
        ]
    except ValueError as error:
        raise document.error(trail, str(error)) from None
    adapter = _RECIPE_TYPES.get(str(trail[-1]))
    if adapter is None or trail[-1] not in typed:
        return values
    if trail[-1] in FUNCTION_KEYS:
        values = [_function(document, trail, value) for value in values]
    checked: list[Value] = []
    for index, value in enumerate(values):
        try:
            fitting = adapter.validate_python(value, strict=True)
            checked.append(expanded_path(document, trail, fitting) if trail[-1] == "pretrained" else fitting)
        except ValidationError as error:
            inner = (*trail, index) if isinstance(written, list) and not one else trail
            optional = not Recipe.model_fields[str(trail[-1])].is_required()
            raise document.error(inner, explain(error.errors(include_url=False)[0], optional=optional)) from None
    return checked


def _function(document: Document, trail: Trail, written: Value) -> Value:
    """Return what may be a function's name as it is written here, its module not as a file."""
    try:
        return module_path(written, "function") if isinstance(written, str) else written
    except ValueError as error:
        raise document.error(trail, str(error)) from None


def expanded_path(document: Document, trail: Trail, written: str) -> str:
    """Return a path with its environment variables; `JobError`, with its place, for one that there is not."""
    try:
        return expanded(written)
    except ValueError as error:
        raise document.error(trail, str(error)) from None


def checked_rules(
    document: Document, written: Sequence[SkipRule], values: Mapping[str, Sequence[Value]], typed: Sequence[str]
) -> list[Rule]:
    """Return the rules of a job with these values; `JobError`, with its place, for what is no expression over them."""
    known = comparables(values, "unlike", typed)
    for key in values:
        # A job of the store was accepted once, what --set narrows may have other values in the file, and which models
        # there are is known elsewhere (`engine/prepare/job_models.py`).
        loose = key == MODEL or document.accepted or document.override((key,), ("space", key))
        if loose and (key not in typed or key in TEXT_KEYS):
            known[key] = comparable_to(values[key], other_text="any")
    rules = []
    for index, rule in enumerate(written):
        try:
            rules.append(parse_rule(rule.skip, known))
        except ValueError as error:
            raise document.error(("rules", index, "skip"), str(error)) from None
    return rules
