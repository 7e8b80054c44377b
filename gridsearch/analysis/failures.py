"""Failed trials grouped by cause."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.shared_settings import shared_words
from gridsearch.config.events import RESULT_STATES, TrialState

MOST_LOGS = 5
#: What differs between two occurrences of one cause: numbers and addresses.
_PARTICULAR = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Trials that failed for one cause: the first one's error, how many, where some of their logs lie, and what they
    share: the settings whose values no trial with a result has, in words.
    """

    cause: str
    count: int
    trials: tuple[str, ...]
    logs: tuple[str, ...]
    shared: str = ""


def failures(data: JobData) -> tuple[FailureGroup, ...]:
    """Return the failed trials by cause, most frequent first; numbers in errors do not tell causes apart."""
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(data.rows):
        if row.state == TrialState.FAILED:
            groups.setdefault(_PARTICULAR.sub("#", row.error or ""), []).append(place)
    made = [_group(data, places) for places in groups.values()]
    return tuple(sorted(made, key=lambda group: -group.count))


def _group(data: JobData, places: list[int]) -> FailureGroup:
    rows = [data.rows[place] for place in places]
    logs = dict.fromkeys(row.log for row in rows if row.log)
    return FailureGroup(
        cause=rows[0].error or "no reason recorded",
        count=len(rows),
        trials=tuple(row.trial_id for row in rows),
        logs=tuple(logs)[:MOST_LOGS],
        shared=shared_words(data.job, rows, (row for row in data.rows if row.state in RESULT_STATES)),
    )
