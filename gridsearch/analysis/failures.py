"""Failed trials grouped by cause, and diverged ones by the epoch in which they did."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.shared_settings import shared_words
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.quantities import counted

MOST_LOGS = 5
#: So many ids of an epoch's diverged trials are told, and so many rows of epochs: of more, neighbours share a row.
MOST_IDS, MOST_EPOCHS = 8, 12
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


@dataclass(frozen=True, slots=True)
class DivergedIn:
    """Trials that diverged in the same epoch, or in neighbouring ones where there are many: `epochs` in words, how
    many, and the ids of the first of them.
    """

    epochs: str
    count: int
    trials: tuple[str, ...]

    @property
    def ids(self) -> str:
        """Return the ids in a few digits, and how many more there are."""
        more = f" and {self.count - len(self.trials):,} more" if self.count > len(self.trials) else ""
        return f"{' '.join(trial[:8] for trial in self.trials)}{more}"


@dataclass(frozen=True, slots=True)
class Divergences:
    """Trials that diverged: how many, of how many, when, and what they share: the settings whose values no trial with
    a score has, in words.
    """

    count: int
    of: int
    groups: tuple[DivergedIn, ...]
    shared: str = ""

    @property
    def text(self) -> str:
        """Return in a sentence how many diverged, and what they share."""
        which = "it has" if self.count == 1 else f"all {self.count:,} have"
        alike = f": {which} {self.shared}, and no sound trial has" if self.shared else ""
        return f"{counted(self.count, 'trial')} of {self.of:,} diverged{alike}."


def divergences(data: JobData) -> Divergences | None:
    """Return the diverged trials by their epochs, the earliest first; None where none diverged."""
    lost = [row for row in data.rows if row.state == TrialState.DIVERGED]
    if not lost:
        return None
    sound = (row for row in data.rows if row.state in RESULT_STATES and row.state != TrialState.DIVERGED)
    by_epoch: dict[int, list[str]] = {}
    for row in lost:
        by_epoch.setdefault(row.diverged_epoch or 0, []).append(row.trial_id)
    epochs = sorted(by_epoch)
    each = math.ceil(len(epochs) / MOST_EPOCHS)
    spans = [epochs[start : start + each] for start in range(0, len(epochs), each)]
    groups = tuple(_diverged_in(span, [trial for epoch in span for trial in by_epoch[epoch]]) for span in spans)
    return Divergences(len(lost), len(data.rows), groups, shared_words(data.job, lost, sound))


def _diverged_in(epochs: list[int], trials: list[str]) -> DivergedIn:
    first, last = epochs[0], epochs[-1]
    return DivergedIn(
        f"{first:,}" if first == last else f"{first:,} to {last:,}", len(trials), tuple(trials[:MOST_IDS])
    )


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
