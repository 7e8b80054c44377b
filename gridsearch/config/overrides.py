"""`--set key=value`: changes to a job file from the command line, checked like the file itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gridsearch.config.habits import key_habit
from gridsearch.config.yaml_source import Document, Place, Trail, parse_value
from gridsearch.errors import JobError, closest


def apply_overrides(
    document: Document, overrides: Sequence[str], *, settings: Sequence[str], others: Sequence[str]
) -> None:
    """Change the document as the overrides say.

    `key=value` replaces an axis of the space or a key of the top level, whichever has it; `outer.inner=value` replaces
    a key inside a map. Values are YAML: `[4, 8]` is an axis, `{logspace: [0.001, 0.1], num: 3}` a range; of a setting
    `4,8` is the axis too. `settings` and `others` are the keys of the top level.
    """
    for text in overrides:
        source = f"--set {text}"
        key, value = parse_override(text, example="epochs=[10,20]", whole=[key for key in others if key != "space"])
        trail = _target(document, key, source, (*others, *settings))
        _store(document.data, trail, value, source)
        for known in [*document.values]:
            if known[: len(trail)] == trail:
                del document.values[known]
        document.empty = {known for known in document.empty if known[: len(trail)] != trail}
        document.values[trail] = document.keys[trail] = Place(source, 0, 0)


def parse_override(text: str, *, example: str, whole: Collection[str] = ()) -> tuple[str, Any]:
    """Return the key and the value of `key=value`, the value being YAML; `JobError` says how it is written.

    `10,20` is a list, as `[10, 20]` is, unless the key is one of `whole` or stands in one.
    """
    key, equals, written = text.partition("=")
    key, source = key.strip(), f"--set {text}"
    if not equals or not key:
        raise JobError(f"{source}: write it as key=value, for example --set {example}")
    if not written.strip():
        raise JobError(f"{source}: nothing follows the '='; empty text is written --set '{key}=\"\"'")
    if _is_list(written) and key.partition(".")[0] not in whole:
        written = f"[{written}]"
    return key, _value(written, source)


def _is_list(written: str) -> bool:
    """Whether a value is several with commas between them, and nothing else that YAML or Python may hold."""
    return "," in written and not any(sign in written for sign in "[]{}()'\"#")


def _value(written: str, source: str) -> Any:
    try:
        return parse_value(written, source)
    except JobError as error:
        # A line and a column say nothing of a command line.
        said = f"{error.problem}; quote the whole for the shell, as in --set 'epochs=[10, 20]'"
        raise JobError(said, place=source) from None


def _target(document: Document, key: str, source: str, top_level: Sequence[str]) -> Trail:
    if "." in key:
        return tuple(key.split("."))
    space = document.data.get("space")
    axes = list(space) if isinstance(space, dict) else []
    if key in axes:
        return ("space", key)
    if key in top_level:
        return (key,)
    if said := key_habit(key):
        raise JobError(f"{source}: {key} {said}" if said.startswith("is called") else f"{source}: {said}")
    if meant := closest(key, [*axes, *top_level]):
        raise JobError(f"{source}: unknown key {key!r} (did you mean {meant!r}?)")
    raise JobError(f"{source}: unknown key {key!r}; a new axis is written --set space.{key}=[...]")


def _store(data: dict[str, Any], trail: Trail, value: Any, source: str) -> None:
    for part in trail[:-1]:
        inner = data.setdefault(str(part), {})
        if not isinstance(inner, dict):
            raise JobError(f"{source}: {part!r} holds no keys of its own")
        data = inner
    data[str(trail[-1])] = value
