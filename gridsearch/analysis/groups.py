"""The points of a job whose trials are repeats and folds of each other: their scores as mean and spread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from gridsearch.analysis.column_names import OVER
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.measures import MEASURES
from gridsearch.config.events import RESULT_STATES, TrialState
from gridsearch.config.identity import point_of

_RESULTS = [state.value for state in RESULT_STATES]
_MEANS = ("score", "seconds", *(name for name in MEASURES if name != "overfit_epoch"))
_FIRSTS = ("diverged_epoch", "overfit_epoch")
#: The state of a point without a result: that of its trials that is named first here.
_OPEN = (TrialState.FAILED, TrialState.CANCELLED, TrialState.RUNNING, TrialState.PENDING)


def grouped(data: JobData) -> JobData:
    """Return the job with one row per point instead of one per trial.

    Returns:
        `trial` is the point's first trial with a score, or its first if none has one. Metrics, `score` and times are
        means; `score_std` is the standard deviation (ddof 1, missing for a single score), `score_n` counts the scores,
        `score_of` the trials, `score_diverged` those that diverged. A point is `diverged` if any of its trials did (its
        mean is then that of the others), and over a limit if any of its trials is. Seeds and fold, in which its trials
        differ, are not columns.
    """
    record = data.job.record
    of_rows = [point_of(row.config, record.repeated_seeds) for row in data.rows]
    points = pd.Series(of_rows, index=data.trials.index, dtype="str")
    groups = data.trials.groupby(points, sort=False)
    # A trial that failed has no weights to show for its point: the first that has a score is called for it.
    standing: dict[str, Any] = {}
    for those in (points, points[data.trials["score"].notna()]):
        firsts = those[~those.duplicated()]
        standing |= dict(zip(firsts, firsts.index, strict=True))
    frame = data.trials.loc[list(standing.values())].drop(columns=list(record.differing), errors="ignore")
    frame.index = pd.Index(list(standing))
    means = (name for name in (*data.metrics.values(), *_MEANS) if name in frame)
    columns: dict[str, pd.Series[Any]] = {name: groups[name].mean() for name in means}
    columns |= {name: groups[name].min() for name in _FIRSTS if name in frame}
    columns |= {
        "state": groups["state"].agg(_state).astype("str"),
        "error": groups["error"].first(),
        "score_std": groups["score"].std(ddof=1),
        "score_n": groups["score"].count(),
        "score_of": groups["trial"].count(),
        "score_diverged": groups["diverged_epoch"].count(),
    }
    if OVER in frame:
        columns[OVER] = groups[OVER].agg(_joined).astype("str")
    frame = frame.assign(**columns)
    return replace(data, trials=frame.reset_index(drop=True))


def _state(states: pd.Series[str]) -> str:
    found = set(states)
    if TrialState.DIVERGED.value in found:
        return TrialState.DIVERGED.value
    if found & set(_RESULTS):
        return TrialState.COMPLETED.value
    return next(state.value for state in _OPEN if state.value in found)


def _joined(texts: pd.Series[str]) -> str:
    return ", ".join(dict.fromkeys(name for text in texts if text for name in text.split(", ")))
