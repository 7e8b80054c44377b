"""The best trial of a job, as `top` ranks it, without reading every trial where the store can rank by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsearch.analysis.labels import label
from gridsearch.analysis.question import Objective, axes, defaults, objective
from gridsearch.analysis.winners import winners
from gridsearch.cli.wording import short_id
from gridsearch.spec.identity import flatten

if TYPE_CHECKING:
    from gridsearch.store.contract import Store
    from gridsearch.store.rows import JobRow, TrialRow


@dataclass(frozen=True)
class Best:
    """A job's best trial: its score under the objective's heading, and the values of the axes there, in words."""

    trial: str
    heading: str
    score: float
    settings: str

    def __str__(self) -> str:
        """Return the trial in words: `val_accuracy 0.9812: neurons 50, epochs 20 (trial 3f2a91c4)`."""
        settings = f": {self.settings}" if self.settings else ""
        return f"{self.heading} {self.score:.4f}{settings} (trial {short_id(self.trial)})"


def best_trial(store: Store, name: str) -> Best | None:
    """Return the best of a job's trials that have a score; a diverged one has none."""
    best = winners(store, name, 1)
    if not best:
        return None
    job, (row, score) = store.job(name), best[0]
    return as_best(row, job, objective(job), [axis.name for axis in axes(job)], score=score)


def as_best(
    row: TrialRow, job: JobRow, asked: Objective, axis_names: Sequence[str], *, score: float | None = None
) -> Best:
    """Return a trial that has a score as a job's best one; the score is its last metric unless given."""
    settings = defaults(job) | flatten(row.config)
    words = ", ".join(f"{name} {label(settings[name])}" for name in axis_names if name in settings)
    value = getattr(row, asked.metric) if score is None else score
    return Best(row.trial_id, asked.heading, value, words)
