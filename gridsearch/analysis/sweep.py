"""How a job goes just now: what is done, who trains, the newest results and their curves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridsearch.store.rows import LaunchRow


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
    """A launch that has not ended, and those of its workers that train; `None` where that was not looked at."""

    launch: LaunchRow
    workers: tuple[Worker, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """How a job goes, as of one look.

    Attributes:
        job: Its name.
        what: What is trained, in words.
        counts: The number of trials in each state, in the order of their life.
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
        launches: The launches at work.
        causes: Why trials failed, with how many.
        last: The last event.
    """

    job: str
    what: str
    counts: tuple[tuple[str, int], ...]
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
        """Whether a launch is at work on it."""
        return bool(self.launches)
