from __future__ import annotations

from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.axes import Axis
from gridsearch.config.space import Space
from gridsearch.search.random_search import draws


def space(*sizes: int) -> Space:
    return Space([Axis(f"a{place}", tuple(range(size)), "linear") for place, size in enumerate(sizes)])


@given(st.lists(st.integers(1, 6), max_size=4), st.integers(0, 2**70))
def test_every_point_is_drawn_once_in_an_order_of_the_seeds(sizes: list[int], seed: int) -> None:
    whole = space(*sizes)
    drawn = list(draws(whole, seed))
    assert len(drawn) == len(whole)
    assert {tuple(point.values()) for point in drawn} == {tuple(point.values()) for point in whole}
    assert list(draws(whole, seed)) == drawn


def test_other_seeds_give_other_orders() -> None:
    assert len({str(list(islice(draws(space(30, 30), seed), 5))) for seed in range(50)}) == 50


def test_each_point_is_as_likely_as_any_other() -> None:
    counts = Counter(next(draws(space(2, 3), seed))["a1"] for seed in range(3000))
    assert all(abs(count - 1000) < 100 for count in counts.values()) and len(counts) == 3


def test_a_space_of_any_size_can_be_drawn_from() -> None:
    drawn = list(islice(draws(space(*[100] * 12), 1), 50))
    assert len({str(point) for point in drawn}) == 50


def test_the_draws_never_change() -> None:
    # A job's trials are those its seed draws: with another draw they would all be other ones.
    drawn = [tuple(point.values()) for point in islice(draws(space(7, 11), 3), 5)]
    assert drawn == [(5, 7), (3, 5), (2, 8), (2, 1), (2, 2)]
