"""Pydantic's findings in our words: what is wrong with a value, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gridsearch.config.value_kinds import as_written
from gridsearch.config.yaml_source import plain_scalar
from gridsearch.errors import closest

_WORDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "dict_type": "must be a map of names to values, such as {{epochs: [10, 20]}}",
    "model_type": "must be a map of keys to values",
}


def explain(problem: Mapping[str, Any], *, optional: bool = False) -> str:
    """Return one line for one of pydantic's errors: the value and what it must be.

    `optional` says that without a value there is a default.
    """
    said = _explained(problem)
    return f"{said}; leave it out for the default" if optional and problem["input"] is None else said


def _of_sizes_and_metrics(problem: Mapping[str, Any]) -> str:
    value, key = problem["input"], problem["loc"][0] if problem["loc"] else ""
    wrong = problem["type"] == "value_error"
    if key == "image_size":
        return (
            f"{_short(value)} must be a side in pixels, such as 64, or height and width, such as [48, 64], of at"
            f" most 8192"
        )
    if key == "trial_timeout" and wrong:
        return f"{_short(value)} must be a duration, such as 90s, 30m, 1h30m or 2d"
    if key == "checkpoints":
        return f"{_short(value)} must be a size, such as 500MB, 5GB or 5GiB, or none or all"
    if key in ("metrics", "train_metrics") and isinstance(value, str):
        return str(problem["ctx"]["error"]) if wrong else f"{_short(value)} must be a list: write [{value}]"
    return ""


def _of_commands(problem: Mapping[str, Any]) -> str:
    place = problem["loc"]
    if place[:1] == ("metrics_from",) and problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if place == ("metrics_from",):
        form = "{stdout: 'acc=(?P<val_acc>[\\d.]+)'} or {file: metrics.csv}"
        return f"{_short(problem['input'])} must be a map: {form}"
    if place[:1] == ("command",):
        form = "a text, as python train.py --lr {learning_rate}, or a list of arguments"
        return f"{_short(problem['input'])} must be {form}"
    return ""


def _explained(problem: Mapping[str, Any]) -> str:
    value, context = problem["input"], problem.get("ctx", {})
    if problem["loc"][:1] == ("model",):
        return (
            f"{_short(value)} is not a model: write one, such as model: shallow, or several, such as model:"
            f" [shallow, mlp]"
        )
    if problem["loc"] == ("dataset",):
        return f"{_short(value)} is not a data set: write one, such as dataset: mnist, or the path of a file or folder"
    if problem["loc"] == ("search",):
        return f"{_short(value)} must be grid, or a map such as {{random: 50}}"
    if problem["loc"] == ("teacher", "pick"):
        return f"{_short(value)} must be best, or the first four or more characters of a trial's id"
    if said := _of_sizes_and_metrics(problem) or _of_commands(problem):
        return said
    if problem["type"] == "literal_error":
        options = [option.strip("' ") for option in context["expected"].replace(" or ", ", ").split(",")]
        own = problem["loc"][:1] != () and str(problem["loc"][0]).startswith("literal[")
        if own and options == [""]:
            return f"{as_written(value)} is no function: write it as module:function, such as my_augment:make"
        more = ", or a function of yours, module:function" if own and not _suggest(value, options) else ""
        return f"{as_written(value)} is not one of {', '.join(options)}{more}{_suggest(value, options)}"
    if problem["type"] == "value_error":
        said = str(context["error"])
        return f"{_short(value)} {said}" if said.startswith("must ") else said
    words = _WORDS.get(problem["type"])
    if problem["type"] == "string_type" and isinstance(value, (bool, int, float)):
        return f"{_short(value)} must be text: put it in quotes"
    return f"{_short(value)} {words.format(**context) if words else 'is not allowed here'}{_unquoted(value)}"


def _unquoted(value: Any) -> str:
    """Return how to write text that was meant as a number, true, false, or a list."""
    if not isinstance(value, str):
        return ""
    meant = plain_scalar(f"[{value}]" if "," in value else value)
    if isinstance(meant, list) and len(meant) > 1 and not any(isinstance(item, str) for item in meant):
        return f"; a list is written {as_written(meant)}"
    return "" if isinstance(meant, (str, list)) else f"; write {as_written(meant)} without quotes"


def _suggest(value: Any, options: list[str]) -> str:
    if not isinstance(value, str):
        return ""
    several = [closest(part, options) for part in re.split(r"[\s,;|/]+", value.strip())]
    if len(several) > 1 and None not in several:
        return f"; a list is written [{', '.join(map(str, several))}]"
    meant = closest(value, options)
    return f" (did you mean {meant!r}?)" if meant else ""


def _short(value: Any) -> str:
    text = as_written(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
