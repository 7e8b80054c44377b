"""Why a job has no best trial, in a sentence."""

from __future__ import annotations

from gridsearch.analysis.summary import Summary
from gridsearch.config.events import TrialState
from gridsearch.quantities import counted


def why_no_best(glance: Summary) -> str:
    """Return why nothing can be the best of a job of which nothing is."""
    if not glance.total:
        return "The job has no trials."
    if not glance.results:
        return f"No trial has a result{' yet' if glance.open else ''}, so there is nothing to rank."
    diverged = dict(glance.counts).get(TrialState.DIVERGED.value, 0)
    if diverged == glance.results:
        which = "The only trial with a result" if diverged == 1 else f"The {diverged:,} trials with a result all"
        return f"{which} diverged, so there is no score to rank."
    if glance.over:
        return "No trial within the limits of the job has a score."
    return f"Of {counted(glance.results, 'trial')} with a result none has a score that is a finite number."
