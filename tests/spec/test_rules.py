from __future__ import annotations

from typing import Any

import pytest

from gridsearch.spec.rules import parse_rule

NAMES = ["optimizer", "momentum", "neurons", "hidden"]
POINT: dict[str, Any] = {"optimizer": "adam", "momentum": 0.9, "neurons": 50, "hidden": [64, 32]}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("optimizer == 'adam' and momentum > 0", True),
        ("optimizer == 'sgd' or neurons < 50", False),
        ("not (neurons in [10, 25])", True),
        ("10 < neurons <= 50", True),
        ("neurons * 2 + 1 == 101", True),
        ("neurons % 7 == 1", True),
        ("-momentum < 0", True),
        ("optimizer not in ('adam', 'adamw')", False),
        ("hidden == [64, 32]", True),
    ],
)
def test_rules(text: str, holds: bool) -> None:
    assert parse_rule(text, NAMES).holds(POINT) is holds


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("neuron > 3", "did you mean 'neurons'"),
        ("optimizer == adam", "text needs quotes"),
        ("__import__('os')", "not allowed"),
        ("neurons.__class__", "not allowed"),
        ("[n for n in hidden]", "not allowed"),
        ("neurons ** 9999999", "not allowed"),
        ("lambda: 1", "not allowed"),
        ("neurons if 1 else 2", "not allowed"),
        ("hidden[0] > 1", "not allowed"),
        ("b'x' == optimizer", "cannot stand"),
        ("neurons >", "is not an expression"),
        ("", "is not an expression"),
        ("(" * 500, "is not an expression"),
        ("x" * 2000, "longer than"),
        ("-" * 900 + "1", "nested more than 50 levels"),
        ("not " * 200 + "neurons", "nested more than 50 levels"),
        ("neurons" + "+1" * 400, "nested more than 50 levels"),
        ("[" * 99 + "1" + "]" * 99, "nested more than 50 levels"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, fragment: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        parse_rule(text, NAMES)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("text", ["neurons < 'a'", "neurons / 0 > 1", "optimizer * 1000000000 == 'x'"])
def test_what_cannot_be_decided_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be decided where (neurons|optimizer) = \S+:"):
        parse_rule(text, NAMES).holds(POINT)
