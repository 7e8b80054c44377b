"""Kinds of values, and what a setting can be equal to: a comparison that can never hold is refused, not false."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gridsearch.config.yaml_source import plain_scalar
from gridsearch.errors import closest

Kind = Literal["number", "text", "true/false", "list", "null"]
#: Which text an expression may compare a setting with, beside its values (`comparable_to`).
OtherText = Literal["any", "unlike", "none"]
#: A kind as a sentence says it of a value.
WORDS: dict[Kind, str] = {
    "number": "a number",
    "text": "text",
    "true/false": "true or false",
    "list": "a list",
    "null": "null",
}


#: How many values are listed of a setting that has more.
_LISTED = 8


def _anything(value: Any) -> str:
    return ""


@dataclass(frozen=True)
class Comparable:
    """What a name stands for in an expression: the kinds of its values, and of the items of those that are lists.

    Without kinds nothing is known of it. `problem` says why no value of it equals a given one of a right kind; nothing
    where one may. `texts` are values that it may have for certain.
    """

    kinds: frozenset[Kind] = frozenset()
    items: frozenset[Kind] = frozenset()
    problem: Callable[[Any], str] = _anything
    texts: Collection[str] = ()


def kind_of(value: Any) -> Kind:
    """Return the kind of a plain value; `TypeError` for any other."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "list"
    raise TypeError(f"{value!r} is not a plain value")


def comparable_to(values: Iterable[Any], *, other_text: OtherText = "unlike") -> Comparable:
    """Return what a setting with these values can be equal to: anything of their kinds, and null.

    `other_text` says which text that is no value may be: "any"; only what is "unlike" the values, so that a slip of the
    pen is refused; or "none".
    """
    kinds: set[Kind] = set()
    items: set[Kind] = set()
    texts: dict[str, None] = {}
    for value in values:
        kinds.add(kind_of(value))
        if isinstance(value, (list, tuple)):
            items |= {kind_of(item) for item in value}
        if isinstance(value, str):
            texts[value] = None

    def problem(value: Any) -> str:
        if not isinstance(value, str) or value in texts or other_text == "any":
            return ""
        meant = closest(value, texts)
        if other_text == "unlike" and not any(is_slip(value, text) for text in texts):
            return ""
        hint = f" (did you mean {meant!r}?)" if meant and len(texts) > 1 else ""
        return f"it is {values_text(list(texts))}{hint}"

    found = kinds - {"null"}
    return Comparable(frozenset(found | {"null"}) if found else frozenset(), frozenset(items), problem, texts)


def is_slip(one: str, other: str) -> bool:
    """Whether two texts differ by upper and lower case, or the order of their letters, alone: `rleu` and `relu`.

    One letter more or another one makes another name: `adamw` and `adam`, `selu` and `relu` are real ones.
    """
    return one != other and sorted(one.lower()) == sorted(other.lower())


def kinds_text(kinds: Iterable[Kind]) -> str:
    """Return kinds in words: `a number or null`."""
    return " or ".join(WORDS[kind] for kind in WORDS if kind in set(kinds))


def values_text(values: Sequence[Any]) -> str:
    """Return the values of a setting in words: `10, 20 or 30`, and of many the first few."""
    more = [f"one of {len(values) - _LISTED:,} more"] if len(values) > _LISTED else []
    *most, last = [*map(as_written, values[:_LISTED]), *more]
    return f"{', '.join(most)} or {last}" if most else last


def as_written(value: Any) -> str:
    """Return a plain value as an expression, or a job file, has it: `true`, `null`, `'adam'`, `[64, 32]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_written, value))}]"
    return repr(value)


def mend(value: Any, kinds: frozenset[Kind]) -> str:
    """Return how to write a value so that it is of one of the kinds, if that is known: `; write 18 without quotes`."""
    known = kinds - {"null"}
    if value == "None" and "null" in kinds:
        return "; write null without quotes"
    if isinstance(value, str):
        meant = plain_scalar(value)
        if isinstance(meant, (bool, int, float, list, type(None))) and kind_of(meant) in kinds:
            return f"; write {as_written(meant)} without quotes"
        several = plain_scalar(f"[{value}]") if "," in value else None
        if isinstance(several, list) and not any(isinstance(item, str) for item in several):
            return f"; a list is written {as_written(several)}"
    if isinstance(value, (list, tuple)):
        return ""
    if known == {"list"}:
        return f"; a list of it is written [{as_written(value)}]"
    if known == {"true/false"}:
        return "; write true or false, without quotes"
    return f'; write "{as_written(value)}" in quotes' if "text" in known and not isinstance(value, str) else ""
