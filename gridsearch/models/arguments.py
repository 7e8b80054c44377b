"""What the settings of a model may be, by its constructor's annotations and defaults, and values made to fit."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gridsearch.config.identity import canonical_value
from gridsearch.config.value_kinds import Kind, as_written, kind_of, kinds_text, mend
from gridsearch.errors import closest
from gridsearch.models.plain import is_plain

#: Kinds of values as annotations tell them: whole numbers apart from those that a fraction may follow ("real");
#: of a "number" it is not known.
Want = Literal["whole", "real", "number", "true/false", "text", "list", "null"]
_NUMBERS = frozenset({"whole", "real", "number"})
_PLAIN: dict[Any, Want] = {bool: "true/false", int: "whole", float: "real", str: "text", type(None): "null"}
_LISTS = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
#: What a default alone tells: 0 may be a fraction's, and a list may stand for any number.
_DEFAULTS: tuple[tuple[type, frozenset[Want]], ...] = (
    (bool, frozenset({"true/false", "null"})),
    (int, frozenset({"number", "list", "null"})),
    (float, frozenset({"real", "list", "null"})),
    (str, frozenset({"text", "null"})),
    (list, frozenset({"list", "null"})),
    (tuple, frozenset({"list", "null"})),
)


@dataclass(frozen=True)
class Wanted:
    """What a setting takes: values of these kinds, lists with items of those; or one of a few values.

    Without kinds nothing is known, and anything may be tried. `each` says what lists among the items take.
    """

    kinds: frozenset[Want] = frozenset()
    items: frozenset[Want] = frozenset()
    options: tuple[Any, ...] = ()
    each: Wanted | None = None

    def fitted(self, value: Any) -> Any:
        """Return the value as a number of the kind that is wanted, where that loses nothing; else as it is."""
        if isinstance(value, (list, tuple)):
            each = self.each or Wanted()
            return [
                each.fitted(item) if isinstance(item, (list, tuple)) else _fitted(item, self.items) for item in value
            ]
        return _fitted(value, self.kinds)

    def problem(self, value: Any) -> str:
        """Return why a value cannot be one of the setting's, and the fix: `18.5 is not a whole number`, or nothing."""
        if self.options:
            return "" if any(repr(value) == repr(option) for option in self.options) else self._no_option(value)
        if said := _unlike(value, self.kinds):
            return said
        items = value if isinstance(value, (list, tuple)) else []
        return next((said for item in items if (said := self._problem_of_item(item))), "")

    def _problem_of_item(self, item: Any) -> str:
        if said := _unlike(item, self.items):
            return said
        return self.each.problem(item) if self.each and isinstance(item, (list, tuple)) else ""

    def _no_option(self, value: Any) -> str:
        names = [option for option in self.options if isinstance(option, str)]
        meant = closest(value, names) if isinstance(value, str) else None
        hint = f" (did you mean {meant!r}?)" if meant else ""
        return f"{as_written(value)} is not one of {', '.join(map(as_written, self.options))}{hint}"


def _fitted(value: Any, kinds: frozenset[Want]) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return float(value) if "real" in kinds and not kinds & {"whole", "number"} else canonical_value(value)


def _unlike(value: Any, kinds: frozenset[Want]) -> str:
    kind = kind_of(value)
    plain = _kinds(kinds)
    if not kinds or kind in plain:
        if kind == "number" and kinds & _NUMBERS == {"whole"} and not float(value).is_integer():
            return f"{as_written(value)} is not a whole number"
        return ""
    given = "was given" if kind in ("null", "true/false") else f"is {kinds_text([kind])}"
    return f"{as_written(value)} {given}, but it takes {kinds_text(plain)}{mend(value, plain)}"


def _kinds(wants: Iterable[Want]) -> frozenset[Kind]:
    return frozenset("number" if want in _NUMBERS else want for want in wants)  # type: ignore[misc]


def wanted_of(found: Callable[..., Any]) -> dict[str, Wanted]:
    """Return what each named setting of a class, or of a function that returns a model, takes."""
    hints = _hints(found)
    wanted = {}
    for key, parameter in inspect.signature(found).parameters.items():
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        has_default = parameter.default is not inspect.Parameter.empty
        wanted[key] = _wanted(hints.get(key), default, has_default=has_default)
    return wanted


def _hints(found: Callable[..., Any]) -> Mapping[str, Any]:
    owner = found.__init__ if inspect.isclass(found) else inspect.unwrap(found)
    try:
        return typing.get_type_hints(owner)
    except Exception:  # a name that is imported for type checkers alone, say: those that can be read are
        written: Mapping[str, Any] = getattr(owner, "__annotations__", {})
        known = {"bool": bool, "int": int, "float": float, "str": str}
        return {key: known.get(hint, hint) if isinstance(hint, str) else hint for key, hint in written.items()}


def _wanted(hint: Any, default: Any, *, has_default: bool) -> Wanted:
    by_hint = _of_hint(hint) if hint is not None else None
    if by_hint is None:
        if hint is not None or not has_default or not is_plain(default) or default is None:
            return Wanted()
        return Wanted(next(kinds for kind, kinds in _DEFAULTS if isinstance(default, kind)))
    if not has_default or not is_plain(default) or by_hint.options:
        return by_hint if not by_hint.options or default in by_hint.options or not has_default else Wanted()
    own: Wanted = _of_hint(type(default)) or Wanted()
    more = own.kinds if not (own.kinds <= _NUMBERS and by_hint.kinds & _NUMBERS) else frozenset()
    return Wanted(by_hint.kinds | more, by_hint.items, each=by_hint.each)


def _of_hint(hint: Any) -> Wanted | None:
    """Return what an annotation says; None where it says nothing that can be told of plain values."""
    if hint in (None, type(None)) or (isinstance(hint, type) and hint in _PLAIN):
        return Wanted(frozenset({_PLAIN[hint or type(None)]}))
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _of_hint(inner[0])
    if origin is Literal:
        return Wanted(options=inner) if all(map(is_plain, inner)) else None
    if origin in (typing.Union, types.UnionType):
        return _united([_of_hint(part) for part in inner])
    if hint in _LISTS or origin in _LISTS:
        items = [_of_hint(part) for part in inner if part is not ...]
        known = bool(items) and all(item is not None and item.kinds for item in items)
        kinds = frozenset(kind for item in items if item for kind in item.kinds) if known else frozenset()
        lists = [item for item in items if item and "list" in item.kinds]
        each = _united(lists) if known and lists else None
        return Wanted(frozenset({"list"}), kinds, each=each and Wanted(frozenset({"list"}), each.items, each=each.each))
    return None


def _united(parts: Sequence[Wanted | None]) -> Wanted | None:
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    options = tuple(option for part in known for option in part.options)
    kinds = frozenset(kind for part in known for kind in part.kinds)
    if options:
        return (
            Wanted(options=(*options, None))
            if kinds <= {"null"} and kinds
            else None
            if kinds
            else Wanted(options=options)
        )
    each = [part.each for part in known if part.each]
    inner = _united(each) if each and len(each) == len([part for part in known if "list" in part.items]) else None
    return Wanted(kinds, frozenset(item for part in known for item in part.items), each=inner)
