"""The best trial of a job in words, as `top` ranks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsearch.analysis.best import Place, best
from gridsearch.analysis.labels import brief_text, label, mean_text
from gridsearch.analysis.rounding import rounded
from gridsearch.cli.render.wording import short_id
from gridsearch.config.record import JobRecord

if TYPE_CHECKING:
    from gridsearch.analysis.labels import Spread
    from gridsearch.store.contract import Store


@dataclass(frozen=True)
class Best:
    """A job's best trial: its score under the objective's heading, and the values of the axes there, in words.

    Of a point with several trials it is the first that has a score, the score their mean, with its spread.
    """

    trial: str
    heading: str
    score: float
    settings: str
    spread: Spread | None = None

    @property
    def score_text(self) -> str:
        """The score with four decimals, and its spread where it has one."""
        return mean_text(self.score, self.spread) if self.spread else brief_text(self.score)

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
    """Return the best of a job's trials, or points; None where none may be it."""
    record = store.job(name).record
    return next((_in_words(place, record) for place in best(store, name, 1)), None)


def _in_words(place: Place, record: JobRecord) -> Best:
    heading, settings = record.objective.heading, settings_text(place.row.config, record)
    return Best(place.row.trial_id, heading, place.score, settings, place.spread)


def settings_text(config: str, record: JobRecord) -> str:
    """Return the values that a trial has on the axes of a job: `neurons 50, epochs 20`."""
    settings = record.settings_of(config)
    shown = (
        f"{axis.name} {rounded([*axis.values, settings[axis.name]])[label(settings[axis.name])]}"
        for axis in record.axes
        if axis.name in settings
    )
    return ", ".join(shown)
