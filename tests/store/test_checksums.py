"""Checksums of many rows at once find what those of each row find."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.store.checksums import checksum, first_damaged

VALUES = st.one_of(
    st.none(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=3), st.binary(max_size=2)
)
#: Rows of numbers, which are equally long, and any others.
ROWS = st.one_of(
    st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1), st.none()), max_size=30),
    st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=8),
)


@given(ROWS, st.data())
def test_a_changed_row_is_found_wherever_it_is(values: list[tuple[Any, ...]], data: st.DataObject) -> None:
    rows = [("before", *own, checksum(*own), "after") for own in values]
    assert first_damaged(rows, slice(1, 4), 4) is None
    if not rows:
        return
    place, other = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.tuples(VALUES, VALUES, VALUES))
    if checksum(*other) != rows[place][4]:
        rows[place] = ("before", *other, rows[place][4], "after")
        assert first_damaged(rows, slice(1, 4), 4) is rows[place]


def test_of_equally_long_rows_each_is_looked_at() -> None:
    sound = [(number, 0.5, None, checksum(number, 0.5, None)) for number in range(100)]
    for place in range(100):
        rows = [*sound]
        rows[place] = (place, 0.25, *sound[place][2:])
        assert first_damaged(rows, slice(0, 3), 3) is rows[place]


def test_rows_that_are_equally_long_only_on_the_whole_are_sound() -> None:
    texts = ["aa", "aaaa", "a", "aaa"]
    assert first_damaged([(text, checksum(text)) for text in [*texts, "aa"]], slice(0, 1), 1) is None
    assert first_damaged([("a", 0, checksum("a")), ("b", 0, None)], slice(0, 1), 2) == ("b", 0, None)
