"""Counts and durations in words: what is rounded up is told in the larger unit."""

import pytest

from gridsearch.quantities import counted, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.0021, "2.1ms"),
        (0.0499, "49.9ms"),
        (0.05, "0.1s"),
        (8.25, "8.2s"),
        (9.96, "10s"),
        (59.96, "1m 00s"),
        (3599.6, "1h 00m"),
        (14580, "4h 03m"),
        (86_399, "1d 00h"),
        (172_800, "2d 00h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 copies"), (1, "1 copy"), (2, "2 copies"), (-1, "-1 copies"), (12_000, "12,000 copies")]
)
def test_counts(count: int, text: str) -> None:
    assert counted(count, "copy", "copies") == text
