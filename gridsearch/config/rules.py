"""Rules that say which points do not exist, as small expressions over a point's settings.

The language is Python's own syntax for comparisons, `and`, `or`, `not`, `in`, arithmetic, numbers, text and lists;
names are settings, and `true`, `false` and `null` what they are in a job file. A null is equal to null alone, and
neither less nor more than anything. Nothing is ever handed to Python's evaluator.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridsearch.config.comparisons import CONSTANTS, check_comparisons
from gridsearch.config.habits import key_habit
from gridsearch.config.metrics import METRICS
from gridsearch.config.value_kinds import Comparable
from gridsearch.errors import closest, nearest

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: _same(a, b),
    ast.NotEq: lambda a, b: not _same(a, b),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: _within(a, b),
    ast.NotIn: lambda a, b: not _within(a, b),
}
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
MAX_LENGTH = 1000
MAX_DEPTH = 50
#: How much of a rule that is none stands in the message.
_SHOWN = 80
_UNKNOWN = Comparable()
#: What a job has once, unless `model` is an axis, and what comes out of a training: no settings that trials differ in.
_OF_THE_JOB = frozenset(
    re.findall(r"\w+", "dataset split image_size background model search repeats objective constraints teacher")
)
_RESULTS = frozenset({*METRICS, "accuracy", "loss", "score"})


@dataclass(frozen=True)
class Rule:
    """A condition; a point for which it holds is left out of the grid."""

    text: str
    tree: ast.expr

    @property
    def names(self) -> list[str]:
        """Return the names that stand in it, constants aside, each once."""
        found = [node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        return [name for name in dict.fromkeys(found) if name not in CONSTANTS]

    def holds(self, settings: Mapping[str, Any]) -> bool:
        """Return whether the rule leaves this point out; `ValueError` when its values cannot be compared."""
        try:
            return bool(_evaluate(self.tree, settings))
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            point = ", ".join(f"{name} = {settings[name]!r}" for name in settings if name in self.names)
            raise ValueError(
                f"{self.text!r} cannot be evaluated{f' where {point}' if point else ''}: {error}"
            ) from None


@dataclass(frozen=True)
class Words:
    """What an expression is called, and what its names are names of."""

    kind: str
    name: str


#: An expression may be a rule of a job, a selection of its trials (`--only`), or a filter of a table.
RULE, SELECTION, FILTER = Words("rule", "setting"), Words("selection", "setting"), Words("filter", "column")


def parse_rule(text: str, names: Mapping[str, Comparable], words: Words = RULE) -> Rule:
    """Read a rule over these names, each with what it can be equal to; `ValueError` with one line for the user."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings(action="ignore"):  # what Python would say of odd literals
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        shown = repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."
        if re.search(r"(?<![=<>!])=(?!=)", text):
            raise ValueError(f"{shown}: use == to compare") from None
        for name in names:
            if "_" in name and (apart := name.replace("_", " ")) in text:
                raise ValueError(f"{shown}: write {name} for {apart}") from None
        raise ValueError(f"{shown} is not an expression such as: optimizer == 'adam' and momentum > 0") from None
    if _depth(tree) > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    _check(tree, names, words)
    check_comparisons(tree, names)
    return Rule(text, tree)


def _depth(tree: ast.AST) -> int:
    """Return how many levels of nodes a tree has; without recursion, which a deep tree would exhaust."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _check_all(nodes: Iterable[ast.AST], names: Mapping[str, Comparable], words: Words) -> None:
    for node in nodes:
        _check(node, names, words)


def _check(node: ast.AST, names: Mapping[str, Comparable], words: Words) -> None:
    match node:
        case ast.Name(id=name):
            if name not in names and name not in CONSTANTS:
                meant = _meant(name, names) or f"{nearest(name, names)}; text needs quotes"
                raise ValueError(f"unknown {words.name} {name!r}{meant}")
        case ast.Constant(value=value):
            if not isinstance(value, (bool, int, float, str, type(None))):
                raise ValueError(f"{value!r} cannot be used in a {words.kind}")
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            _check_all(parts, names, words)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, names, words)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check_all((left, right), names, words)
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _COMPARE for op in ops):
            _check_quotes((left, *rest), names)
            _check_all((left, *rest), names, words)
        case _:
            raise ValueError(
                f"{ast.unparse(node)!r} is not allowed in a {words.kind} (comparisons, and, or, not, in, + - * / %)"
            )


def _check_quotes(sides: Sequence[ast.expr], names: Mapping[str, Comparable]) -> None:
    """Refuse `optimizer == adam`: what stands beside a setting that is text, and is no setting, lacks its quotes."""
    beside = [side.id for side in sides if isinstance(side, ast.Name) and "text" in names.get(side.id, _UNKNOWN).kinds]
    for part in (part for side in sides for part in getattr(side, "elts", [side])):
        if isinstance(part, ast.Name) and part.id not in names and part.id not in CONSTANTS:
            for name in beside:
                if part.id in names[name].texts or not _meant(part.id, names):
                    written = closest(part.id, names[name].texts) or part.id
                    raise ValueError(f"{name} is text, and text needs quotes: write {written!r}")


def _meant(name: str, names: Collection[str]) -> str:
    """Return what was meant by a name that is unknown, to follow it in a sentence; nothing where that is not known."""
    habit = key_habit(name)
    called = habit.removeprefix("is called ").removesuffix(" here") if habit.startswith("is called ") else name
    if called in names:
        return f"; it {habit}"
    if called in _OF_THE_JOB:
        return f"; all trials of a job have the same {called}"
    if meant := closest(name, names):
        return f" (did you mean {meant!r}?)"
    result = closest(name, _RESULTS - {*names})
    return f"; {result} is a result, not known before training" if result else ""


def _evaluate(node: ast.expr, settings: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return settings[name] if name in settings else CONSTANTS[name]
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_evaluate(part, settings) for part in parts]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, settings) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, settings) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, settings)
        case ast.UnaryOp(operand=operand):
            return -_number(_evaluate(operand, settings))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_number(_evaluate(left, settings)), _number(_evaluate(right, settings)))
        case ast.Compare(left=left, ops=ops, comparators=rest):
            return _chain(_evaluate(left, settings), ops, [_evaluate(part, settings) for part in rest])
    raise AssertionError(f"unchecked node {node!r}")


def _number(value: Any) -> float:
    """Refuse arithmetic on text and lists: `"a" * 10**9` is no rule."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return value


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; true is no 1, as in a trial's identity."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _within(one: Any, other: Any) -> bool:
    """Whether a value is one of a list's, or text in a text."""
    if isinstance(other, list):
        return any(_same(one, item) for item in other)
    return other is not None and one in other


def _chain(left: Any, ops: list[ast.cmpop], rest: list[Any]) -> bool:
    for op, right in zip(ops, rest, strict=True):
        if isinstance(op, _ORDERS) and (left is None or right is None):
            return False
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True
