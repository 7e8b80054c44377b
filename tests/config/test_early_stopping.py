from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.config.early_stopping import best_epoch, stopping_epoch

losses = st.lists(st.floats(0, 10) | st.just(math.nan), max_size=20)


@pytest.mark.parametrize(
    ("patience", "losses", "expected"),
    [
        (0, [2.3, 1, 2, 3, 4], None),
        (2, [2.3, 1, 0.5, 0.6], None),
        (2, [2.3, 1, 0.5, 0.6, 0.5], 4),
        (1, [0.1, 1.0, 2.0], 2),
        (2, [2.3, 5, 4, 3, 2, 1], None),
        (3, [], None),
    ],
)
def test_it_stops_when_the_lowest_loss_is_so_many_epochs_old(
    patience: int, losses: list[float], expected: int | None
) -> None:
    assert stopping_epoch(patience, losses) == expected


def test_the_best_epoch_is_the_first_lowest_and_never_the_untrained_model() -> None:
    assert best_epoch([0.1, 3.0, 1.0, math.nan, 1.0, 2.0]) == 2
    assert best_epoch([0.1]) == 0
    assert best_epoch([0.1, None]) == 1


@given(patience=st.integers(1, 5), curve=losses)
def test_a_stop_does_not_depend_on_what_comes_after(patience: int, curve: list[float]) -> None:
    stops = [stopping_epoch(patience, curve[: length + 1]) for length in range(len(curve))]
    known = [stop for stop in stops if stop is not None]
    assert len(set(known)) <= 1
    assert not known or stops.index(known[0]) == known[0]
