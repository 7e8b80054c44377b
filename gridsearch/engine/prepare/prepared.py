"""A job that has been prepared: its grid, what is odd about it, and its record; whoever trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gridsearch.config.axes import Axis
from gridsearch.config.job import JobSpec
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import TrialConfig, Value
from gridsearch.engine.prepare.dooms import Doom
from gridsearch.search.grid import Grid, GridTrial, Ingredients
from gridsearch.store.rows import NewTrial


@dataclass(frozen=True)
class Prepared(ABC):
    """A job that has been checked, with its grid.

    Attributes:
        job: The job.
        grid: Its trials.
        dooms: Settings whose trials fail.
        remarks: Sentences about what works and is hardly meant so.
        ingredients: What the grid was made of.
    """

    job: JobSpec
    grid: Grid
    dooms: Sequence[Doom] = ()
    remarks: Sequence[str] = ()
    ingredients: Ingredients = field(kw_only=True, repr=False, compare=False)

    @abstractmethod
    def train_images(self, config: TrialConfig) -> int:
        """Return the number of a trial's training images, which tells how many steps an epoch has."""

    @abstractmethod
    def record(self) -> JobRecord:
        """Return the resolved job, as a store keeps it."""

    @abstractmethod
    def sources_of(self, model: str) -> Mapping[str, str]:
        """Return the digests of the modules of the user's that a model, or an own training, consists of."""

    @abstractmethod
    def defaults_of(self, model: str) -> Mapping[str, Any]:
        """Return the defaults of a model's settings."""

    @property
    def model_search(self) -> tuple[Path, ...]:
        """Return the folders in which the user's own code may lie."""
        return model_folders(self.job)

    def doom_of(self, config: TrialConfig) -> Doom | None:
        """Return why a trial cannot be trained, where that is known."""
        return doom_of(self.dooms, config)

    def doomed_by(self, doom: Doom, trials: Iterable[GridTrial]) -> int:
        """Return how many trials cannot be trained for this reason before any other."""
        return sum(self.doom_of(trial.config) is doom for trial in trials)

    def new_trials(self) -> list[NewTrial]:
        """Return the grid as the store takes it."""
        return [NewTrial(t.trial_id, t.lineage_id, t.config.epochs, t.canonical) for t in self.grid.trials]


def doom_of(dooms: Sequence[Doom], config: TrialConfig) -> Doom | None:
    """Return why a trial cannot be trained, where that is known."""
    return next((doom for doom in dooms if doom.dooms(config)), None)


def drawn_axes(job: JobSpec, grid: Grid, value_of: Callable[[TrialConfig, str], Any]) -> tuple[Axis, ...]:
    """Return a job's axes with the values that its grid has: of a continuous one those drawn.

    `value_of` gives the value that a setting has in a trial.
    """

    def values(axis: Axis) -> tuple[Value, ...]:
        if not axis.continuous:
            return tuple(axis.values)
        drawn = {value_of(trial.config, axis.name) for trial in grid.trials}
        return tuple(value for value in axis.values if value in drawn)

    return tuple(replace(axis, values=values(axis)) for axis in job.space.axes)


def model_folders(job: JobSpec) -> tuple[Path, ...]:
    """Return the folders searched for the user's own code: the job file's, then the current one."""
    return (job.base, Path.cwd())
