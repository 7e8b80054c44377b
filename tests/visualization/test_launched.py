from datetime import timedelta

import pytest

from gridsearch.store.rows import LaunchRow
from gridsearch.visualization.launched import launched
from tests.analysis.grids import START, make_job

JOB = make_job({})
NOW = START + timedelta(hours=2)


def launch(minutes: int, outcome: str | None, *, beat: int | None = None, ended: int | None = None) -> LaunchRow:
    at = {
        name: None if since is None else START + timedelta(minutes=since)
        for name, since in (("beat_at", beat), ("ended_at", ended))
    }
    return LaunchRow(minutes, "sample", "host", 1, 1.0, 1, 1, START + timedelta(minutes=minutes), outcome=outcome, **at)


@pytest.mark.parametrize(
    ("launches", "words"),
    [
        ([], "2026-01-02 03:04 UTC"),
        ([launch(10, "complete", ended=20)], "2026-01-02 03:14 UTC"),
        ([launch(10, "complete", ended=20), launch(30, "interrupted", ended=40)], "2026-01-02 03:34 UTC; interrupted"),
        ([launch(10, "lost", ended=20)], "2026-01-02 03:14 UTC; ended unexpectedly"),
        ([launch(10, "some_failed", ended=20)], "2026-01-02 03:14 UTC; some trials failed"),
        ([launch(10, None, beat=120)], "2026-01-02 03:14 UTC; still training"),
        ([launch(120, None)], "2026-01-02 05:04 UTC; still training"),
        ([launch(10, None, beat=120), launch(30, "complete", ended=40)], "2026-01-02 03:14 UTC; still training"),
        ([launch(10, None, beat=90)], "2026-01-02 03:14 UTC; lost, silent since 2026-01-02 04:34 UTC"),
    ],
)
def test_the_page_says_what_became_of_the_last_launch(launches: list[LaunchRow], words: str) -> None:
    assert launched(JOB, launches, NOW) == words
