"""The best trial of a job, as `top` ranks it, without reading every trial where the store can rank by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gridsearch.analysis.labels import label, mean_text
from gridsearch.analysis.limits import limits
from gridsearch.analysis.question import Objective, axes, defaults, has_groups, objective
from gridsearch.analysis.rounding import rounded
from gridsearch.cli.wording import short_id
from gridsearch.spec.identity import flatten

if TYPE_CHECKING:
    from gridsearch.analysis.labels import Spread
    from gridsearch.store.contract import Store
    from gridsearch.store.rows import JobRow, TrialRow


@dataclass(frozen=True)
class Best:
    """A job's best trial: its score under the objective's heading, and the values of the axes there, in words.

    Of a point with several trials it is the first, the score their mean, with its spread.
    """

    trial: str
    heading: str
    score: float
    settings: str
    spread: Spread | None = None

    @property
    def score_text(self) -> str:
        """The score with four digits, and its spread where it has one."""
        return mean_text(self.score, self.spread) if self.spread else f"{self.score:.4f}"

    def __str__(self) -> str:
        """Return the trial in words: `best val_accuracy 0.9812: neurons 50, epochs 20 (trial 3f2a91c4)`."""
        settings = f": {self.settings}" if self.settings else ""
        heading = self.heading.removeprefix("best ")
        return f"best {heading} {self.score_text}{settings} ({self.which} {short_id(self.trial)})"

    @property
    def which(self) -> str:
        """What the trial is: the best, or the first of the best point's."""
        return "first trial" if self.spread else "trial"


def best_trial(store: Store, name: str) -> Best | None:
    """Return the best of a job's trials that have a score and keep its constraints; a diverged one has no score."""
    job = store.job(name)
    asked, names = objective(job), [axis.name for axis in axes(job)]
    if asked.at == "last" and not has_groups(job) and not limits(job):
        rows = store.ranking(name, asked.metric, 1, highest=asked.highest)
        return as_best(rows[0], job, asked, names) if rows else None
    # Means, constraints and the best of all epochs are no columns of the store.
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.ranking import leader

    first = leader(load(store, name))
    if first is None or first.score is None:
        return None
    return replace(
        as_best(store.trial(first.trial), job, asked, names, score=first.score),
        spread=first.spread,
    )


def as_best(
    row: TrialRow, job: JobRow, asked: Objective, axis_names: Sequence[str], *, score: float | None = None
) -> Best:
    """Return a trial that has a score as a job's best one; the score is its last metric unless given."""
    settings = defaults(job) | flatten(row.config)
    declared = {axis.name: axis.values for axis in axes(job)}
    texts = {name: label(settings[name]) for name in axis_names if name in settings}
    words = ", ".join(
        f"{name} {rounded([*declared.get(name, ()), settings[name]])[text]}" for name, text in texts.items()
    )
    value = getattr(row, asked.metric) if score is None else score
    return Best(row.trial_id, asked.heading, value, words)
