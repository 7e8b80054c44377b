from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.spec.domains import scale_of, values_of


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ([1, 2], [1, 2]),
        (5, [5]),
        ({"logspace": [0.0001, 0.1], "num": 4}, [0.0001, 0.001, 0.01, 0.1]),
        ({"logspace": [0.1, 0.0001], "num": 4}, [0.1, 0.01, 0.001, 0.0001]),
        ({"linspace": [0.3, 0.7], "num": 5}, [0.3, 0.4, 0.5, 0.6, 0.7]),
        ({"linspace": [10, 50], "num": 5}, [10, 20, 30, 40, 50]),
        ({"range": [10, 50], "step": 20}, [10, 30, 50]),
        ({"range": [1, 4]}, [1, 2, 3, 4]),
        ({"range": [0.1, 0.3], "step": 0.1}, [0.1, 0.2, 0.3]),
        ({"range": [5, 1], "step": -2}, [5, 3, 1]),
        ([[64], [64, 32]], [[64], [64, 32]]),
    ],
)
def test_values(written: Any, values: list[Any]) -> None:
    result = values_of(written)
    assert result == values
    assert [type(v) for v in result] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("written", "fragment"),
    [
        ([], "at least one value"),
        ([1, "a"], "mixed types (number, text)"),
        ([True, 1], "mixed types"),
        ([[1], 2], "mixed types"),
        ([1, 1.0], "stands twice"),
        ([[1, "a"]], "plain values of one kind"),
        ([[]], "plain values of one kind"),
        ([None], "empty"),
        ({}, "unknown kind of axis"),
        ({"logspce": [1, 2], "num": 3}, "did you mean 'logspace'"),
        ({"logspace": [0, 1], "num": 3}, "above zero"),
        ({"logspace": [1, 2]}, "needs a number num"),
        ({"linspace": [1, 2], "num": 1}, "whole number from 2"),
        ({"linspace": [1, 2], "num": 2.5}, "whole number from 2"),
        ({"linspace": [1], "num": 3}, "takes two numbers"),
        ({"linspace": ["a", 2], "num": 3}, "takes two numbers"),
        ({"linspace": [1, 2], "num": 3, "nun": 1}, "does not take 'nun'"),
        ({"range": [1, 5], "step": 0}, "step must lead"),
        ({"range": [1, 5], "step": -1}, "step must lead"),
        ({"range": [0, 10_000_000]}, "too many for one axis"),
    ],
)
def test_refused(written: Any, fragment: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        values_of(written)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.0001, 0.001, 0.01, 0.1], "log"),
        ([4, 8, 16, 32, 64, 128], "log"),
        ([10, 20, 50, 100], "log"),
        ([10, 25, 50, 100], "log"),
        ([10, 20, 30, 40], "linear"),
        ([0.3, 0.4, 0.5], "linear"),
        ([0, 10, 100], "linear"),
        (["sgd", "adam"], "category"),
        ([True, False], "category"),
        ([[1], [2]], "category"),
    ],
)
def test_scale(values: list[Any], scale: str) -> None:
    assert scale_of(values) == scale


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 50))
def test_ranges_start_and_end_where_they_say(start: float, stop: float, num: int) -> None:
    if abs(start - stop) < 1e-6 * max(start, stop) * num * num:
        return
    for kind in ("linspace", "logspace"):
        values = values_of({kind: [start, stop], "num": num})
        assert len(values) == num
        assert values[0] == pytest.approx(start, rel=1e-11)
        assert values[-1] == pytest.approx(stop, rel=1e-11)
        assert values == sorted(values, reverse=start > stop)  # type: ignore[type-var]
