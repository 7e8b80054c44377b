"""The trials that were tried on the test images, in the order of the ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.column_names import free
from gridsearch.analysis.evaluation import Scores, Speed, scores, speeds
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.paired import Paired, paired_on_test
from gridsearch.analysis.standings import Standings, standings

#: Columns of how far a trial lies behind the best ranked.
_BEHIND = ("behind", "behind_low", "behind_high", "p_mcnemar")


@dataclass(frozen=True, slots=True)
class EvaluatedTrial:
    """A trial that was evaluated on the test images.

    Attributes:
        trial: The trial's id.
        rank: Its place in the ranking, or its point's: by the objective, never by the test.
        score: What ranked it.
        settings: Its axes as text.
        scores: What it does on the test images.
        speeds: How fast it predicts; empty if that was not measured.
        behind: The best ranked of those evaluated against this one, image by image; None for that one itself, and where
            it is not known which images both have right. Of points that are trained several times one training each is
            held against the same (equal seeds and fold) of the best, and never one training against another of its
            point, which nobody chooses between.
        repeat: Of a point that is trained several times the seeds and the fold of this training.
    """

    trial: str
    rank: int
    score: float | None
    settings: tuple[tuple[str, str], ...]
    scores: Scores
    speeds: tuple[Speed, ...]
    behind: Paired | None = None
    repeat: tuple[tuple[str, str], ...] = ()


def evaluated_trials(data: JobData, ranking: Standings | None = None) -> tuple[EvaluatedTrial, ...]:
    """Return the trials with an evaluation, the best ranked first; epochs and evaluations must have been loaded."""
    evaluations = {one.trial_id: one for one in data.evaluations}
    if not evaluations:
        return ()
    ranking = standings(data) if ranking is None else ranking
    places = [(place, trial) for place, members in enumerate(ranking.members, start=1) for trial in members]
    tried = [(place, ranking.row(trial)) for place, trial in places if trial in evaluations]
    repeats = [tuple((name, label(row[name])) for name in data.job.record.differing) for _, row in tried]
    behind = _behind(data, [(place, row["trial"], own) for (place, row), own in zip(tried, repeats, strict=True)])
    return tuple(
        EvaluatedTrial(
            trial=row["trial"],
            rank=place,
            score=None if pd.isna(row["score"]) else float(row["score"]),
            settings=data.settings_texts(row),
            scores=scores(evaluations[row["trial"]]),
            speeds=speeds(one for one in data.latencies if one.trial_id == row["trial"]),
            behind=behind.get(row["trial"]),
            repeat=own,
        )
        for (place, row), own in zip(tried, repeats, strict=True)
    )


def _behind(data: JobData, tried: Sequence[tuple[int, str, tuple[tuple[str, str], ...]]]) -> dict[str, Paired | None]:
    """Return how far trials lie behind the first; given the place, the id, and the seeds and fold of each, in order."""
    evaluations = {one.trial_id: one for one in data.evaluations}
    best = tried[0][2]
    # Of equal seeds and fold a point has one training.
    held = [trial for _, trial, own in tried if own == best]
    configs = [data.rows[data.place_of[trial]].config for trial in held]
    found = paired_on_test([(config, evaluations[trial]) for config, trial in zip(configs, held, strict=True)])
    return dict(zip(held, found, strict=True))


def evaluated_frame(data: JobData) -> pd.DataFrame:
    """Return one row for each trial with an evaluation: its axes, score, and the numbers of the test images.

    Trainings of one point have its rank, and their seeds and fold. Where it is known which images were right, `behind`
    is by how much the accuracy of the first row is higher, with its 95 % interval, and `p_mcnemar` the exact p-value
    (see `EvaluatedTrial.behind`).
    """
    tried = evaluated_trials(data)
    settings = data.trials.set_index("trial")[data.axis_columns].to_dict("index")
    axes = data.axis_columns
    repeats = {name: free(name, axes, "repeat") for name in data.job.record.differing}
    more = dict.fromkeys(name for one in tried for name in one.scores.metrics)
    columns = {name: free(name, axes, "metric") for name in ("test_accuracy", "test_loss", *more)}
    behind = [free(name, axes, "test") for name in _BEHIND] if any(one.behind for one in tried) else []
    rank = free("rank", axes, "table")
    rows = [
        {"trial": one.trial, rank: one.rank}
        | {str(name): value for name, value in settings[one.trial].items()}
        | {repeats[name]: text for name, text in one.repeat}
        | {"score": one.score, columns["test_accuracy"]: one.scores.accuracy, columns["test_loss"]: one.scores.loss}
        | {columns[name]: value for name, value in one.scores.metrics.items()}
        | (dict(zip(behind, one.behind.numbers, strict=True)) if one.behind else {})
        for one in tried
    ]
    # Without classes there is no accuracy.
    if tried and all(one.scores.accuracy is None for one in tried):
        del columns["test_accuracy"]
    return pd.DataFrame(rows, columns=["trial", rank, *axes, *repeats.values(), "score", *columns.values(), *behind])
