"""The jobs of a comparison, each with a name of its own, and its points with their scores repeat by repeat."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gridsearch.analysis.answers import tells_score, validation_images
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.groups import grouped
from gridsearch.config.events import TrialState
from gridsearch.config.identity import point_of

#: More jobs have no colours that can be told apart.
MOST_JOBS = 8

#: In which repeat a score was measured: the seeds and the fold.
Repeat = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Side:
    """A job of a comparison.

    Attributes:
        label: What it is called: its name, with its store where another of these jobs is called the same.
        data: The job.
        store: The store that it is in.
    """

    label: str
    data: JobData
    store: str = ""

    @cached_property
    def points(self) -> JobData:
        """Return its points where it has repeats or folds, else its trials."""
        return grouped(self.data) if self.data.job.record.has_groups else self.data

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Return the rows of `points` that have a score and did not diverge."""
        frame = self.points.trials
        return frame[frame["score"].notna() & (frame["state"] != TrialState.DIVERGED.value)]

    @cached_property
    def _point_of(self) -> dict[str, str]:
        seeds = self.data.job.record.repeated_seeds
        return {row.trial_id: point_of(row.config, seeds) for row in self.data.rows}

    @cached_property
    def _repeats(self) -> dict[str, dict[Repeat, float]]:
        record = self.data.job.record
        names = [name for name in record.differing if name in self.data.trials]
        # The second of four folds has other images than the second of five.
        divided = (("folds", record.folds),) if record.folds else ()
        frame = self.data.trials[self.data.trials["score"].notna()]
        columns = [frame[name].tolist() for name in names]
        keys = list(zip(*columns, strict=True)) if names else [()] * len(frame)
        found: dict[str, dict[Repeat, float]] = {}
        for trial, score, key in zip(frame["trial"].tolist(), frame["score"].tolist(), keys, strict=True):
            found.setdefault(self._point_of[trial], {})[(*zip(names, key, strict=True), *divided)] = score
        return found

    def repeats(self, trial: str) -> Mapping[Repeat, float]:
        """Return the scores of a trial's point, by repeat; of a job without repeats that of the trial."""
        return self._repeats.get(self._point_of[trial], {})

    @cached_property
    def results(self) -> Mapping[str, float]:
        """Return the scores of the trials that have one, by id."""
        frame = self.data.trials[self.data.trials["score"].notna()]
        return dict(zip(frame["trial"].tolist(), frame["score"].tolist(), strict=True))

    @cached_property
    def _members(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for trial in self.results:
            found.setdefault(self._point_of[trial], set()).add(trial)
        return found

    def members(self, trial: str) -> frozenset[str]:
        """Return the trials that the score of a trial's point is of; of a job without repeats the trial alone."""
        return frozenset(self._members.get(self._point_of[trial], ()))

    def images(self, trials: Collection[str]) -> frozenset[str]:
        """Return what decides which images some trials of the job validate on; nothing of trainings of the user's."""
        if self.data.job.record.training:
            return frozenset()
        return frozenset(validation_images(self.data.rows[self.data.place_of[trial]].config) for trial in trials)

    def data_sets(self, trials: Collection[str]) -> frozenset[str]:
        """Return the data sets of some trials of the job: their fingerprints, or how the job names its only one."""
        record = self.data.job.record
        if not record.datasets:
            return frozenset({record.fingerprint or record.dataset_text})
        configs = (self.data.rows[self.data.place_of[trial]].config for trial in trials)
        return frozenset(str(json.loads(config).get("dataset")) for config in configs)

    @cached_property
    def _answers(self) -> Mapping[str, bytes]:
        known = self.data.answers is not None and self.data.objective.metric == "val_accuracy"
        return self.data.answers(self.data.rows) if self.data.answers and known else {}

    def correct(self, trial: str) -> tuple[str, bytes] | None:
        """Return which validation images the score of a trial counts, and what decides which images these are.

        A bit for each, as `numpy.packbits` makes them; None where that is not known.
        """
        correct = self._answers.get(trial)
        if correct is None:
            return None
        place = self.data.place_of[trial]
        config = self.data.rows[place].config
        images = self.data.job.record.images_of(config).get("validation", 0)
        return (validation_images(config), correct) if tells_score(correct, self._scores[place], images) else None

    @cached_property
    def _scores(self) -> list[float]:
        return list(self.data.trials["score"].fillna(-1.0))

    def row_of(self, trial: str) -> dict[Any, Any]:
        """Return the row of `points` to which a trial of the job belongs."""
        frame, point = self.points.trials, self._point_of[trial]
        place = next(place for place, one in enumerate(frame["trial"].tolist()) if self._point_of[one] == point)
        return dict(next(iter(frame.iloc[[place]].to_dict("records"))))

    def comparable(self, other: Side) -> bool:
        """Whether scores of both are of one metric, and the same direction is better."""
        one, two = self.data.objective, other.data.objective
        return (one.metric, one.direction) == (two.metric, two.direction)


def sides_of(jobs: Sequence[tuple[JobData, str]]) -> tuple[Side, ...]:
    """Return jobs, each given with its store, as the sides of a comparison.

    Raises:
        TableError: There are fewer than two or more than `MOST_JOBS`, or one is named twice.
    """
    if len(jobs) < 2:
        raise TableError("a comparison takes two jobs or more")
    if len(jobs) > MOST_JOBS:
        raise TableError(f"a comparison takes {MOST_JOBS} jobs at most, as more curves cannot be told apart")
    names = [data.job.name for data, _ in jobs]
    found = []
    for data, store in jobs:
        name = data.job.name
        if sum(one.job.name == name and other == store for one, other in jobs) > 1:
            raise TableError(f"job {name!r} is named twice; a comparison takes different jobs")
        label = f"{name} ({store})" if names.count(name) > 1 and store else name
        found.append(Side(label, data, store))
    return tuple(found)
