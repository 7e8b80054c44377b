from __future__ import annotations

from typing import Any

import pytest

from gridsearch.config.job_settings import recipe_comparable
from gridsearch.config.rules import parse_rule
from gridsearch.config.value_kinds import Comparable, comparable_to

POINT: dict[str, Any] = {"optimizer": "adam", "momentum": 0.9, "neurons": 50, "hidden": [64, 32], "nesterov": True}
POINT |= {"dropout": None, "epochs": 10, "activation": "relu"}
NAMES = {name: recipe_comparable(name) for name in ("optimizer", "momentum", "nesterov", "epochs", "freeze")}
NAMES |= {name: comparable_to([POINT[name]]) for name in ("neurons", "hidden", "activation")}
NAMES["dropout"] = comparable_to([None, 0.5])
NAMES["batch_size"] = comparable_to([8])


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
        ("hidden in [[64, 32], []]", True),
        ("64 in hidden", True),
        ("nesterov == true", True),
        ("nesterov != False", True),
        ("not nesterov", False),
        ("dropout == null", True),
        ("dropout in [null, 0.5]", True),
        ("dropout > 0.2 or dropout <= 0.2", False),
        ("epochs == 1e1 and neurons == 50.0", True),
        ("activation == 'tanh'", False),
    ],
)
def test_rules(text: str, holds: bool) -> None:
    assert parse_rule(text, NAMES).holds(POINT) is holds


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("neuron > 3", "did you mean 'neurons'"),
        ("optimizer == adam", "optimizer is text, and text needs quotes: write 'adam'"),
        ("optimizer in [sgd, 'adam']", "write 'sgd'"),
        ("optimizer == adm", "write 'adam'"),
        ("activation == tanh", "write 'tanh'"),
        ("neurons == many", "unknown setting 'many'"),
        ("epoch == 3", "unknown setting 'epoch'; it is called epochs here"),
        ("optimizer == 'sgd' and epocs == 3", "unknown setting 'epocs' (did you mean 'epochs'?)"),
        ("dataset == 'mnist'", "unknown setting 'dataset'; all trials of a job have the same dataset"),
        ("data == 'mnist'", "all trials of a job have the same dataset"),
        ("val_acuracy > 0.9", "val_accuracy is a result, not known before training"),
        ("__import__('os')", "not allowed"),
        ("neurons.__class__", "not allowed"),
        ("[n for n in hidden]", "not allowed"),
        ("neurons ** 9999999", "not allowed"),
        ("lambda: 1", "not allowed"),
        ("neurons if 1 else 2", "not allowed"),
        ("hidden[0] > 1", "not allowed"),
        ("b'x' == optimizer", "cannot be used"),
        ("batch size > 8", "write batch_size for batch size"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nesterov == 'true'", "nesterov is true or false, and 'true' is text; write true without quotes"),
        ("nesterov == 1", "nesterov is true or false, and 1 is a number; write true or false, without quotes"),
        ("nesterov > 0", "nesterov has no order; compare with == or !="),
        ("nesterov == neurons", "nesterov is true or false, and neurons is a number: they are never equal"),
        ("optimizer == 'Adam'", "optimizer is never 'Adam': 'Adam' is not one of sgd, adam, adamw, rmsprop"),
        ("'SGD' != optimizer", "(did you mean 'sgd'?)"),
        ("optimizer in ['sgd', 'Adam']", "optimizer is never 'Adam'"),
        ("optimizer in ('adamw')", "'adamw' is text, but the operator in needs a list: optimizer in ['adamw']"),
        ("optimizer == 'sgd' or 'adam'", "'adam' is not a condition by itself"),
        ("momentum == 5", "momentum is never 5: 5 must be below 1.0"),
        ("epochs == 2.5", "epochs is never 2.5: 2.5 must be a whole number"),
        ("momentum == null", "momentum is a number, and never null"),
        ("neurons == '50'", "neurons is a number, and '50' is text; write 50 without quotes"),
        ("neurons == true", "neurons is a number, and never true"),
        ("neurons < '50'", "neither is less than the other"),
        ("neurons == [50]", "test for one of several values with in"),
        ("activation == 'ReLU'", "activation is never 'ReLU': it is 'relu'"),
        ("activation == 'rleu'", "activation is never 'rleu': it is 'relu'"),
        ("activation in ['relu', 'rleu']", "activation is never 'rleu'"),
        ("hidden == 64", "hidden is a list, and 64 is a number; a list of it is written [64]"),
        ("hidden in [64, 32]", "hidden is a list, and 64 is a number"),
        ("hidden == ['64']", "'64' is text; write 64 without quotes"),
        ("'64' in hidden", "hidden holds a number, and '64' is text"),
        ("50 in neurons", "in needs a list, but neurons is a number"),
        ("dropout == 'None'", "write null without quotes"),
        ("dropout > null", "null has no order"),
    ],
)
def test_what_can_never_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        parse_rule(text, NAMES)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["epoch == 3", "epocs == 3", "dataset == 'mnist'", "lr > 1"])
def test_quotes_are_asked_for_where_text_is_meant_alone(text: str) -> None:
    with pytest.raises(ValueError, match="unknown setting") as caught:
        parse_rule(text, NAMES | {"learning_rate": recipe_comparable("learning_rate")})
    assert "quotes" not in str(caught.value)


def test_other_text_than_the_values_of_a_setting() -> None:
    values = ["relu", "gelu", "./nets/a.pt"]
    alike, closed, open_ = (comparable_to(values, other_text=word) for word in ("unlike", "none", "any"))  # type: ignore[arg-type]
    for text in ("relu", "tanh", "./nets/b.pt"):
        assert not alike.problem(text) and not open_.problem(text)
    assert alike.problem("rleu") == "it is 'relu', 'gelu' or './nets/a.pt' (did you mean 'relu'?)"
    assert closed.problem("tanh") == "it is 'relu', 'gelu' or './nets/a.pt'"
    assert not open_.problem("rleu") and not closed.problem("relu")


@pytest.mark.parametrize("text", ["neurons / 0 > 1", "hidden * 1000000000 == 3"])
def test_what_cannot_be_decided_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be evaluated where (neurons|hidden) = "):
        parse_rule(text, NAMES).holds(POINT)


def test_of_what_nothing_is_known_anything_may_be_compared() -> None:
    assert not parse_rule("a == 'x' or a == 3 or a == [1]", {"a": Comparable()}).holds({"a": None})
