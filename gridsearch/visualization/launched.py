"""When a job was launched last, and what became of that, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gridsearch.store.rows import JobRow, LaunchRow
from gridsearch.store.signs_of_life import Life, life
from gridsearch.visualization.wording import moment

_ENDED = {"interrupted": "interrupted", "lost": "ended unexpectedly", "some_failed": "some trials failed"}


def launched(job: JobRow, launches: Sequence[LaunchRow], now: datetime) -> str:
    """Return when the last launch of a job began, and how it ended or that it goes on as of `now`."""
    if not launches:
        return moment(job.created_at)
    last = next((one for one in reversed(launches) if one.ended_at is None), launches[-1])
    began = moment(last.started_at)
    if last.ended_at is not None:
        ended = _ENDED.get(last.outcome or "")
        return f"{began}; {ended}" if ended else began
    state = life(last, now)
    if state is Life.AT_WORK:
        return f"{began}; still training"
    heard = moment(last.beat_at or last.started_at)
    return f"{began}; {'lost,' if state is Life.LOST else 'not ended, but'} silent since {heard}"
