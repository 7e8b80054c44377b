import math

import pytest

from gridsearch.analysis.levels import levels, placement
from gridsearch.analysis.rounding import rounded
from gridsearch.config.axes import Axis


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.001, 0.144269990591], ["0.001", "0.144"]),
        ([0.03125, 0.0625], ["0.03125", "0.0625"]),  # as written
        ([0.1, 0.100000001], ["0.1", "0.100000001"]),
        ([1.23456789, 1.23498765], ["1.2346", "1.235"]),
        ([65536, 1234567], ["65536", "1234567"]),  # whole numbers are never rounded
        ([1234567.25, 2.5], ["1234567", "2.5"]),
        ([1.23456789e-9, -0.333333333], ["1.23e-09", "-0.333"]),
        ([None, "adam", [0.123456789, 1], True, 0.123456789], ["null", "adam", "0.123456789-1", "true", "0.123"]),
        ([0.1, 0.1 + 2**-56], ["0.1", "0.10000000000000002"]),
        ([math.inf], ["inf"]),
        ([], []),
    ],
)
def test_few_digits_and_no_two_alike(values: list[object], texts: list[str]) -> None:
    shown = list(rounded(values).values())
    assert shown == texts and len(set(shown)) == len(values)


def test_ticks_and_legends_are_rounded_and_places_are_not() -> None:
    axis = Axis("learning_rate", (0.001, 0.00215443469003, 0.01), "log")
    assert placement(axis).labels == levels(axis).labels == ("0.001", "0.00215", "0.01")
    assert placement(axis).ticks[1] == 0.00215443469003 and "0.00215443469003" in levels(axis).group_of
