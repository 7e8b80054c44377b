from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsearch.data.allocation import proportional_counts

sizes_and_total = st.lists(st.integers(0, 10_000), min_size=1, max_size=20).flatmap(
    lambda sizes: st.tuples(st.just([*sizes, 1]), st.integers(0, sum(sizes) + 1))
)


@settings(deadline=None)
@given(sizes_and_total)
def test_counts_add_up_and_stay_within_one_of_their_share(case: tuple[list[int], int]) -> None:
    sizes, total = np.array(case[0]), case[1]
    counts = proportional_counts(sizes, total)
    assert counts.sum() == total
    assert (counts >= 0).all()
    assert (counts <= sizes).all()
    assert (np.abs(counts - total * sizes / sizes.sum()) < 1).all()


def test_ties_go_to_the_lower_class() -> None:
    assert proportional_counts(np.array([1, 1, 1]), 2).tolist() == [1, 1, 0]
