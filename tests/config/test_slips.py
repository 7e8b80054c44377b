"""What reads like a mistake and is none: names that a job no longer has, quoted calls, private keys, what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.config.job import job_from_text
from gridsearch.config.rules import parse_rule
from gridsearch.config.value_kinds import comparable_to
from gridsearch.errors import JobError
from tests.small_job import JOB

BASE = Path()


@pytest.mark.parametrize(
    "values",
    [
        '["uniform(-1, 1)", "uniform(-2, 2)"]',
        '["choice(a)", "choice(b)"]',
        "['range(3)', 'range(5)']",
        '["glob(*.png)"]',
    ],
)
def test_texts_in_quotes_that_look_like_calls_are_values(values: str) -> None:
    job = job_from_text(JOB.replace("model: shallow", "model: nets:Net") + f"  activation: {values}\n", base=BASE)
    (axis,) = (axis for axis in job.space.axes if axis.name == "activation")
    assert all(isinstance(value, str) for value in axis.values)
    with pytest.raises(JobError, match="write neurons"):
        job_from_text(JOB.replace("[10]", "[range(4, 16, 4)]"), base=BASE)


def test_private_keys_may_hold_anything() -> None:
    assert job_from_text(JOB + "x-b: {c, d: {e}}\n", base=BASE).name == "small"


@pytest.mark.parametrize("rule", ["activation == 'selu'", "optimizer_name == 'adamw'", "activation in ['elu', 'relu']"])
def test_a_rule_may_name_a_value_that_the_job_has_no_more(rule: str) -> None:
    values = {"activation": ["relu", "gelu"], "optimizer_name": ["adam", "sgd"]}
    parse_rule(rule, {name: comparable_to(found) for name, found in values.items()})
    with pytest.raises(ValueError, match="activation is never 'rleu'"):
        parse_rule("activation == 'rleu'", {name: comparable_to(found) for name, found in values.items()})


def test_what_differs_may_differ_from_anything_but_a_slip() -> None:
    names = {"model": comparable_to(["shallow", "mlp"], other_text="none")}
    for rule in ("model != 'resnet18'", "model not in ['cnn', 'mlp']"):
        parse_rule(rule, names)
    for rule in ("model != 'mpl'", "model == 'resnet18'", "model not in ['MLP']"):
        with pytest.raises(ValueError, match="model is never"):
            parse_rule(rule, names)
