"""Why a job has no best trial, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gridsearch.config.events import RESULT_STATES, SCORED_STATES, TrialState
from gridsearch.store.rows import JobRow, TrialRow


def why_no_best(job: JobRow, rows: Sequence[TrialRow], *, named: bool = True) -> str:
    """Return why none of the trials of a job, which are given, is its best: all diverged, none has a result yet, ...

    The job is `named` where it is not known from what stands around it.
    """
    states, whose = Counter(row.state for row in rows), f" of job {job.name!r}" if named else ""
    results = sum(states[state] for state in RESULT_STATES)
    if not results:
        if rows and states[TrialState.FAILED] == len(rows):
            return f"{_all(len(rows), whose)} failed"
        return f"no trial{whose} has a result yet"
    if not any(states[state] for state in SCORED_STATES):
        if results == len(rows):
            return f"{_all(results, whose)} diverged"
        return f"{_all(results, f'{whose} with a result')} diverged"
    if job.record.has_groups and states[TrialState.DIVERGED]:
        over = " or exceeds a constraint of the job" if job.record.limits else ""
        return f"every point{whose} with a result has a training that diverged{over}"
    if job.record.limits:
        return f"no trial{whose} has a result within the job's constraints"
    return f"no trial{whose} has a score that is a finite number"


def _all(count: int, whose: str) -> str:
    which = {1: "the only trial", 2: "both trials"}.get(count, f"all {count:,} trials")
    return f"{which}{whose}"
