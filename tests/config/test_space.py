from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.axes import Axis
from gridsearch.config.space import Space

axes = st.lists(st.integers(1, 5), max_size=5).map(
    lambda sizes: [Axis(f"a{i}", tuple(range(size)), "linear") for i, size in enumerate(sizes)]
)


@given(axes)
def test_a_space_is_the_product_of_its_axes_in_order(axes: list[Axis]) -> None:
    space = Space(axes)
    product = [
        dict(zip([a.name for a in axes], values, strict=True))
        for values in itertools.product(*(a.values for a in axes))
    ]
    assert len(space) == len(product)
    assert list(space) == product
    assert [space[i] for i in range(len(space))] == product
    assert space[-1] == product[-1]


def test_a_space_too_large_to_list_is_counted_and_indexed() -> None:
    space = Space([Axis(f"a{i}", tuple(range(100)), "linear") for i in range(10)])
    assert space.size == 100**10
    assert space[100**10 - 1] == {f"a{i}": 99 for i in range(10)}
    with pytest.raises(IndexError):
        space[100**10]
