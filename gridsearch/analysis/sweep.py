"""How a job goes just now: what is done, who trains, the newest results and their curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gridsearch.store.rows import LaunchRow
from gridsearch.store.signs_of_life import Life

#: What trials that the store has as running are called where nothing runs them any more.
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Result:
    """A trial that has ended.

    Attributes:
        trial: Its id.
        state: How it ended.
        score: Its score; None where it has none.
        text: The score as text; where it has none, its state.
        settings: Its values of the job's axes, as text.
        at: When it ended.
        error: Why it failed; empty where it did not.
    """

    trial: str
    state: str
    score: float | None
    text: str
    settings: tuple[tuple[str, str], ...]
    at: datetime | None
    error: str = ""

    @property
    def words(self) -> str:
        """Return its settings in a line: `neurons 50, epochs 20`."""
        return ", ".join(f"{name} {value}" for name, value in self.settings if value)


@dataclass(frozen=True, slots=True)
class Line:
    """A metric over the epochs of a training; `of` says why it is shown: `best`, `new` or `running`."""

    trial: str
    of: str
    words: str
    epochs: tuple[int, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker was given, and when it was last heard of."""

    lineages: int
    first: str
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class AtWork:
    """A launch that has not ended, those of its workers that train, and whether it is at work, silent or lost."""

    launch: LaunchRow
    workers: tuple[Worker, ...]
    life: Life = Life.AT_WORK


@dataclass(frozen=True, slots=True)
class Sweep:
    """How a job goes, as of one look.

    Attributes:
        job: Its name.
        what: What is trained, in words.
        counts: The number of trials in each state, in the order of their life.
        interrupted: Whether those that the store has as running are not: whoever ran them is lost.
        training: How many trainings are under way.
        epochs: How many epochs are trained, and of how many.
        work: The share of the training that is done, by its steps; None where there is nothing to train.
        epochs_per_second: Of late; None where that is not known.
        seconds_left: Until everything is trained at this pace; None where that is not known.
        heading: What the score is called: `val_accuracy`.
        highest: Whether a higher score is better.
        best: The best trial, or the first of the best point.
        newest: The trials that ended last, the newest first.
        history: Scores in the order in which trials got them: seconds since the first, score, best so far.
        lines: Curves of the best, of the newest, and of what is being trained.
        metric: What the lines show.
        launches: The launches that have not ended, the lost ones too.
        causes: Why trials failed, with how many.
        last: The last event.
    """

    job: str
    what: str
    counts: tuple[tuple[str, int], ...]
    interrupted: bool
    training: int
    epochs: tuple[int, int]
    work: float | None
    epochs_per_second: float | None
    seconds_left: float | None
    heading: str
    highest: bool
    best: Result | None
    newest: tuple[Result, ...]
    history: tuple[tuple[float, float, float], ...]
    lines: tuple[Line, ...]
    metric: str
    launches: tuple[AtWork, ...]
    causes: tuple[tuple[str, int], ...]
    last: tuple[int, int]

    @property
    def total(self) -> int:
        """Return the number of trials."""
        return sum(count for _, count in self.counts)

    @property
    def ended(self) -> int:
        """Return how many trials have ended, in whichever way."""
        return sum(count for state, count in self.counts if state not in ("pending", "running"))

    @property
    def trains(self) -> bool:
        """Whether a launch that is not lost is at work on it."""
        return any(one.life is not Life.LOST for one in self.launches)

    def without_pace(self) -> Sweep:
        """Return it without what supposes that it goes on as it did."""
        return replace(self, epochs_per_second=None, seconds_left=None)

    @property
    def shown_counts(self) -> tuple[tuple[str, int], ...]:
        """Return the counts, those running called interrupted where they are."""
        return shown_states(self.counts, interrupted=self.interrupted)


def shown_states(counts: Iterable[tuple[str, int]], *, interrupted: bool) -> tuple[tuple[str, int], ...]:
    """Return counts of trials by state as people are to be told them.

    >>> shown_states([("pending", 3), ("running", 2)], interrupted=True)
    (('pending', 3), ('interrupted', 2))
    """
    return tuple((INTERRUPTED if interrupted and state == "running" else state, count) for state, count in counts)
