"""Kinds of values, and what a setting can be equal to: a comparison that can never hold is refused, not false."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from gridsearch.spec.yaml_source import plain_scalar

Kind = Literal["number", "text", "true/false", "list", "null"]
#: A kind as a sentence says it of a value.
WORDS: dict[Kind, str] = {
    "number": "a number",
    "text": "text",
    "true/false": "true or false",
    "list": "a list",
    "null": "null",
}


def _anything(value: Any) -> str:
    return ""


@dataclass(frozen=True)
class Comparable:
    """What a name stands for in an expression: the kinds of its values, and of the items of those that are lists.

    Without kinds nothing is known of it. `problem` says why no value of it equals a given one of a right kind; nothing
    where one may.
    """

    kinds: frozenset[Kind] = frozenset()
    items: frozenset[Kind] = frozenset()
    problem: Callable[[Any], str] = _anything


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
    raise TypeError(f"{value!r} is no plain value")


def comparable_to(values: Iterable[Any]) -> Comparable:
    """Return what a setting with these values can be equal to: anything of their kinds, and null.

    Of other text nothing is refused but what differs from a value by upper and lower case alone.
    """
    kinds: set[Kind] = set()
    items: set[Kind] = set()
    texts: dict[str, str] = {}
    for value in values:
        kinds.add(kind_of(value))
        if isinstance(value, (list, tuple)):
            items |= {kind_of(item) for item in value}
        if isinstance(value, str):
            texts[value] = value.lower()

    def problem(value: Any) -> str:
        if not isinstance(value, str) or value in texts:
            return ""
        meant = [text for text, lowered in texts.items() if lowered == value.lower()]
        return f"{value!r} is not {meant[0]!r}; write it so" if meant else ""

    known = kinds - {"null"}
    return Comparable(frozenset(known | {"null"}) if known else frozenset(), frozenset(items), problem)


def kinds_text(kinds: Iterable[Kind]) -> str:
    """Return kinds in words: `a number or null`."""
    return " or ".join(WORDS[kind] for kind in WORDS if kind in set(kinds))


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
