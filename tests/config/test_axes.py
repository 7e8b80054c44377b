from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.axes import axis_of, scale_of, values_of


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
        ([[], [64]], [[], [64]]),
        ([None, 0.5], [None, 0.5]),
        (None, [None]),
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
        ([1, 1.0], "is listed twice"),
        ([[1, "a"]], "plain values of one kind"),
        ([[1, None]], "plain values of one kind"),
        ([[[1, 2], 3]], "plain values of one kind, or lists"),
        ([[[1]], [2]], "[[1]] has plain values and lists side by side, or is deeper than others"),
        ([[[1], [[2]]]], "side by side, or is deeper"),
        ([[[[[[1]]]]]], "has lists in more than 4 levels"),
        (["", "none"], "would look the same"),
        ([None, "null"], "would look the same"),
        ([None, None], "the value null is listed twice"),
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
        ({"uniform": [0.5, 0.1]}, "the lower end, then the higher"),
        ({"uniform": [0.1, 0.1]}, "the lower end, then the higher"),
        ({"uniform": [0.1, 0.10000001]}, "too close together"),
        ({"uniform": [-1e308, 1e308]}, "too far apart"),
        ({"uniform": [0.1, 0.5], "num": 3}, "does not take 'num'"),
        ({"uniform": 0.5}, "takes two numbers, as in {uniform: [0.1, 0.5]}"),
        ({"loguniform": [0, 0.1]}, "above zero"),
        ({"logunifrom": [1, 2]}, "did you mean 'loguniform'"),
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


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_a_uniform_range_has_a_thousand_neat_values_evenly_spaced(low: float, width: float) -> None:
    high = low + width
    if width < 1e-5 * abs(low):
        return
    values = cast(list[float], values_of({"uniform": [low, high]}))
    steps = [b - a for a, b in pairwise(values)]
    assert 999 <= len(values) <= 10_001
    assert low <= values[0] and values[-1] <= high
    assert values[0] - low < 2 * steps[0] and high - values[-1] < 2 * steps[0]
    assert min(steps) == pytest.approx(max(steps), rel=1e-3)


@given(st.floats(1e-30, 1e3), st.floats(1.001, 1e30))
def test_a_loguniform_range_has_a_thousand_values_a_decade_by_equal_factors(low: float, ratio: float) -> None:
    values = cast(list[float], values_of({"loguniform": [low, low * ratio]}))
    factors = [b / a for a, b in pairwise(values)]
    assert len(values) >= 990
    assert low <= values[0] and values[-1] <= low * ratio
    assert min(factors) > 1
    assert max(factors) - 1 < 3 * (ratio ** (1 / len(values)) - 1)


def test_the_values_of_continuous_ranges_are_short() -> None:
    assert values_of({"uniform": [0.0, 0.5]})[1:3] == [0.0001, 0.0002]
    assert all(len(f"{value:g}".strip("0.").replace(".", "")) <= 6 for value in values_of({"loguniform": [1e-4, 0.1]}))
    rates = axis_of("rate", {"loguniform": [1e-4, 0.1]}, values_of({"loguniform": [1e-4, 0.1]}))
    assert (len(rates.values), rates.scale, rates.continuous) == (3000, "log", True)
    assert not axis_of("rate", [0.1, 0.2], [0.1, 0.2]).continuous
