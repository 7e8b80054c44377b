"""A job at a glance: how far it is, what was best, what it cost, and what sharing lineages saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from gridsearch.analysis.edges import edge_notes
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.limits import exceeded
from gridsearch.analysis.ranking import leader
from gridsearch.analysis.sweep import shown_states
from gridsearch.config.events import OPEN_STATES, RESULT_STATES, TrialState
from gridsearch.config.sections import Objective
from gridsearch.config.trial_epoch import last_epoch
from gridsearch.store.rows import TrialRow


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial of a job.

    Attributes:
        trial: The trial's id; of a point that of its first trial.
        score: Its score; of a point the mean.
        text: The score as text, with the spread of a point.
        settings: Its values of the job's axes.
    """

    trial: str
    score: float
    text: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A job at a glance.

    Attributes:
        counts: The number of trials in each state.
        total: The number of trials.
        results: How many have a result.
        best: The best trial; None if none has a score.
        objective: What ranks trials.
        lineages: The number of lineages.
        trained_epochs: How many epochs were trained, each counted once, however many trials read it.
        read_epochs: How many epochs the finished trials would have taken each on its own.
        training_seconds: The time of the trained epochs.
        wall_seconds: From the job's first launch to its last result.
        images: The number of images in each part.
        over: How many trials exceed a constraint.
        limits: The constraints.
        hints: Sentences about the best trial's place in the grid.
        interrupted: Whether trials that the store has as running are not: whoever ran them is lost.
    """

    counts: tuple[tuple[str, int], ...]
    total: int
    results: int
    best: Best | None
    objective: Objective
    lineages: int
    trained_epochs: int
    read_epochs: int
    training_seconds: float
    wall_seconds: float | None
    images: tuple[tuple[str, int], ...]
    over: int
    limits: tuple[tuple[str, float], ...]
    hints: tuple[str, ...]
    interrupted: bool = False

    @property
    def open(self) -> int:
        """Return how many trials a launch would still train without being asked to retry."""
        return sum(number for state, number in self.counts if state in OPEN_STATES)

    @property
    def shown_counts(self) -> tuple[tuple[str, int], ...]:
        """Return the counts, those running called interrupted where they are."""
        return shown_states(self.counts, interrupted=self.interrupted)

    @property
    def saved_epochs(self) -> int:
        """Return how many epochs did not have to be trained because trials share lineages."""
        return max(0, self.read_epochs - self.trained_epochs)


def summary(data: JobData) -> Summary:
    """Return a job at a glance."""
    counted = Counter(row.state for row in data.rows)
    best, bounds = _best(data), data.job.record.limits
    if data.cost is None:
        raise ValueError(f"what job {data.job.name!r} cost was not read: load(..., with_cost=True)")
    return Summary(
        counts=tuple((state.value, counted[state]) for state in TrialState if counted[state]),
        total=len(data.rows),
        results=sum(counted[state] for state in RESULT_STATES),
        best=best,
        objective=data.objective,
        lineages=len({row.lineage_id for row in data.rows}),
        trained_epochs=data.cost.epochs,
        read_epochs=sum(_read(row) for row in data.rows),
        training_seconds=data.cost.seconds,
        wall_seconds=_wall(data),
        images=tuple(data.job.record.images.items()),
        over=sum(bool(exceeded(row, bounds)) for row in data.rows) if bounds else 0,
        limits=tuple(bounds.items()),
        hints=edge_notes(data),
        interrupted=data.is_interrupted,
    )


def _best(data: JobData) -> Best | None:
    first = leader(data)
    if first is None or first.score is None:
        return None
    settings = tuple(zip(data.axis_columns, first.cells, strict=True))
    return Best(trial=first.trial, score=first.score, text=first.score_text, settings=settings)


def _read(row: TrialRow) -> int:
    """Return how many epochs a trial would have taken on its own: those up to where it stopped or diverged."""
    if row.state not in RESULT_STATES:
        return 0
    return last_epoch(row.epochs, row.stopped_epoch if row.diverged_epoch is None else row.diverged_epoch)


def _wall(data: JobData) -> float | None:
    ends: list[datetime] = [row.finished_at for row in data.rows if row.finished_at and row.state in RESULT_STATES]
    span = (max(ends) - data.job.created_at).total_seconds() if ends else -1.0
    return span if span >= 0 else None
