"""The points that were tried on the test images: the mean over their trainings, and what these do together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from gridsearch.analysis.evaluated_trials import EvaluatedTrial, evaluated_trials
from gridsearch.analysis.evaluation import Scores, pooled, scores
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.over_trainings import over_text
from gridsearch.analysis.standings import Standings, standings
from gridsearch.shell_words import quoted
from gridsearch.store.rows import EvaluationRow


@dataclass(frozen=True, eq=False)
class EvaluatedPoint:
    """A place in the ranking with trials that were evaluated: a trial, or several trainings of one point.

    Attributes:
        trials: Those that were evaluated, in the order of the grid.
        evaluations: What the store has of each.
        of: How many trials the point has in all.
        score: What ranked it, in words: of several trainings their mean with its spread.
    """

    trials: tuple[EvaluatedTrial, ...]
    evaluations: tuple[EvaluationRow, ...]
    of: int
    score: str

    @property
    def first(self) -> EvaluatedTrial:
        """The first of its trials that was evaluated: where the point is a single trial, that one."""
        return self.trials[0]

    @property
    def rank(self) -> int:
        """Its place in the ranking, from 1."""
        return self.first.rank

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """Its axes as text."""
        return self.first.settings

    @property
    def measures(self) -> tuple[str, ...]:
        """What was measured of the test images: `test_accuracy` where there are classes, the loss, other metrics."""
        accuracy = ("test_accuracy",) if self.first.scores.accuracy is not None else ()
        return (*accuracy, "test_loss", *dict.fromkeys(name for one in self.trials for name in one.scores.metrics))

    def mean_text(self, measure: str) -> str:
        """Return the mean over those evaluated with its spread, `0.9811 ± 0.0012 (n=5)`; nothing without a value."""
        return over_text((one.scores.measured(measure) for one in self.trials), self.of)

    @cached_property
    def together(self) -> Scores:
        """What they do with the test images together: each image counts once for each of them."""
        return self.first.scores if len(self.trials) == 1 else scores(pooled(self.evaluations))


def evaluated_points(data: JobData, ranking: Standings | None = None) -> tuple[EvaluatedPoint, ...]:
    """Return the places of the ranking with an evaluation, the best first; see `evaluated_trials`."""
    ranking = standings(data) if ranking is None else ranking
    evaluations = {one.trial_id: one for one in data.evaluations}
    points = []
    for rank, group in groupby(evaluated_trials(data, ranking), key=lambda one: one.rank):
        trials, place = tuple(group), ranking[rank - 1]
        points.append(
            EvaluatedPoint(trials, tuple(evaluations[one.trial] for one in trials), len(place.members), place.of_point)
        )
    return tuple(points)


def told_of_each(data: JobData, points: Sequence[EvaluatedPoint]) -> tuple[str, ...]:
    """Return what tables tell of each trial: accuracy, loss, and those metrics that the job asks for itself."""
    measures = dict.fromkeys(name for one in points for name in one.measures)
    return tuple(name for name in measures if name.replace("test_", "val_", 1) in data.metrics)


def classified(data: JobData, trial: str = "") -> Scores:
    """Return what came of the test images class by class.

    Args:
        data: The job.
        trial: An evaluated trial's id, or the first digits of it; by default the best ranked point, all of whose
            trainings that were evaluated are counted together.

    Raises:
        TableError: No trial was evaluated, `trial` does not match exactly one of those that were, or there are no
            classes.
    """
    points = evaluated_points(data)
    matching = [one for point in points for one in point.trials if one.trial.startswith(trial)]
    if not matching:
        whose = f" of a trial {trial!r}" if trial else ""
        raise TableError(f"no evaluation{whose} yet; run: gridsearch evaluate {quoted(data.job.name)}")
    if trial and len(matching) > 1:
        raise TableError(f"{trial!r} matches {len(matching)} evaluated trials; give more digits")
    found = matching[0].scores if trial else points[0].together
    if found.accuracy is None:
        raise TableError(f"job {data.job.name!r} has no classes; evaluated() has what its trials do")
    return found
