"""Comparisons of an expression that can never hold, or always do: refused, as their answer would mislead in silence."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from gridsearch.config.value_kinds import Comparable, Kind, as_written, is_slip, kind_of, kinds_text, mend

#: Words for constants, where no setting is called so.
CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_EQUAL = (ast.Eq, ast.NotEq)
_WITHIN = (ast.In, ast.NotIn)
_NO_LITERAL = object()


def check_comparisons(tree: ast.expr, names: Mapping[str, Comparable]) -> None:
    """Raise `ValueError` with one line where a comparison is of unlike kinds, or with what a setting never equals."""
    _check_truth(tree, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            left = node.left
            for op, right in zip(node.ops, node.comparators, strict=True):
                if isinstance(op, _WITHIN):
                    _check_within(left, right, names, differs=isinstance(op, ast.NotIn))
                elif isinstance(op, _EQUAL):
                    _check_equal(left, right, names, differs=isinstance(op, ast.NotEq))
                else:
                    _check_order(left, right, names)
                left = right
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                _check_truth(part, names)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            _check_truth(node.operand, names)


def texts_compared(tree: ast.expr, name: str) -> list[str]:
    """Return the texts that an expression holds a setting against, by `==`, `!=` or `in`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Name) and side.id == name for side in sides):
                parts = [part for side in sides for part in getattr(side, "elts", [side])]
                found += [
                    part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
    return found


def _check_truth(node: ast.expr, names: Mapping[str, Comparable]) -> None:
    """Refuse `optimizer == 'sgd' or 'adam'`: text, lists and numbers are no conditions."""
    value = literal(node, names)
    if value is not _NO_LITERAL and not isinstance(value, bool):
        raise ValueError(
            f"{as_written(value)} is not a condition by itself; compare a setting with it, as in"
            f" optimizer in ['sgd', 'adam'], or epochs == 10 or epochs == 20"
        )


def _check_equal(left: ast.expr, right: ast.expr, names: Mapping[str, Comparable], *, differs: bool) -> None:
    """Refuse what is never equal; where `differs` is asked for, all may differ but from a slip of the pen."""
    one, other = (_comparable(side, names) for side in (left, right))
    for side, this, that in ((left, right, one), (right, left, other)):
        value = literal(this, names)
        if isinstance(side, ast.Name) and value is not _NO_LITERAL and that.kinds:
            _check_value(side.id, that, value, differs=differs)
            return
    if one.kinds - {"null"} and other.kinds - {"null"} and not (one.kinds & other.kinds) - {"null"}:
        raise ValueError(
            f"{ast.unparse(left)} is {kinds_text(one.kinds - {'null'})}, and {ast.unparse(right)} is"
            f" {kinds_text(other.kinds - {'null'})}: they are never equal"
        )


def _check_value(name: str, known: Comparable, value: Any, *, differs: bool) -> None:
    kind = kind_of(value)
    if kind not in known.kinds:
        never = kind in ("null", "true/false")
        told = f"never {as_written(value)}" if never else f"{as_written(value)} is {kinds_text([kind])}"
        raise ValueError(f"{name} is {_only(known)}, and {told}{_mend(value, known.kinds)}")
    if isinstance(value, list) and known.items:
        wrong = next((item for item in value if kind_of(item) not in known.items), _NO_LITERAL)
        if wrong is not _NO_LITERAL:
            raise ValueError(
                f"{name} is a list each item of which is {kinds_text(known.items)}, and {as_written(wrong)} is"
                f" {kinds_text([kind_of(wrong)])}{mend(wrong, known.items)}"
            )
    if differs and known.texts and not any(is_slip(str(value), text) for text in known.texts):
        return
    if said := known.problem(value):
        raise ValueError(f"{name} is never {as_written(value)}: {said}")


def _only(known: Comparable) -> str:
    return kinds_text(known.kinds - {"null"}) or "null"


def _mend(value: Any, kinds: frozenset[Kind]) -> str:
    if isinstance(value, list) and "list" not in kinds:
        return "; test for one of several values with in: x in [1, 2]"
    return mend(value, kinds)


def _check_order(left: ast.expr, right: ast.expr, names: Mapping[str, Comparable]) -> None:
    one, other = (_comparable(side, names).kinds - {"null"} for side in (left, right))
    for side, kinds in ((left, one), (right, other)):
        value = literal(side, names)
        if value is None or kinds == {"true/false"}:
            raise ValueError(f"{ast.unparse(side)} has no order; compare with == or !=")
    if one and other and not one & other:
        raise ValueError(
            f"{ast.unparse(left)} is {kinds_text(one)}, and {ast.unparse(right)} is {kinds_text(other)}:"
            " neither is less than the other"
        )


def _check_within(left: ast.expr, right: ast.expr, names: Mapping[str, Comparable], *, differs: bool) -> None:
    if isinstance(right, (ast.List, ast.Tuple)):
        for part in right.elts:
            _check_equal(left, part, names, differs=differs)
        return
    value = literal(right, names)
    if isinstance(value, str) and isinstance(left, ast.Name):
        raise ValueError(
            f"{ast.unparse(right)} is text, but the operator in needs a list: {left.id} in [{as_written(value)}]"
        )
    known = _comparable(right, names)
    if not known.kinds:
        return
    inner = _comparable(left, names).kinds - {"null"}
    if "list" in known.kinds:
        if known.items and inner and not inner & known.items:
            raise ValueError(
                f"{ast.unparse(right)} holds {kinds_text(known.items)}, and {ast.unparse(left)} is {kinds_text(inner)}"
            )
    elif "text" not in known.kinds or (inner and "text" not in inner):
        raise ValueError(f"the operator in needs a list, but {ast.unparse(right)} is {_only(known)}")


def _comparable(node: ast.expr, names: Mapping[str, Comparable]) -> Comparable:
    value = literal(node, names)
    if value is not _NO_LITERAL:
        return Comparable(frozenset({kind_of(value)}), _items(value))
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.BinOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)):
        return Comparable(frozenset({"number"}))
    if isinstance(node, (ast.List, ast.Tuple)):
        return Comparable(frozenset({"list"}))
    return Comparable(frozenset({"true/false"}))


def _items(value: Any) -> frozenset[Kind]:
    return frozenset(map(kind_of, value)) if isinstance(value, list) else frozenset()


def literal(node: ast.expr, names: Mapping[str, Comparable]) -> Any:
    """Return the value that an expression is whatever the settings are; `_NO_LITERAL` where it depends on them."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name not in names and name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if isinstance(value, (int, float)):
            return -value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            values = [literal(part, names) for part in parts]
            return _NO_LITERAL if any(value is _NO_LITERAL for value in values) else values
    return _NO_LITERAL
