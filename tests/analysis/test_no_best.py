"""Why there is no best: what became of the trials, and nothing that did not."""

from __future__ import annotations

import pytest

from gridsearch.analysis.no_best import why_no_best
from gridsearch.config.events import TrialState
from tests.analysis.grids import make_job, make_trial

COMPLETED, DIVERGED, FAILED, PENDING = (
    TrialState.COMPLETED,
    TrialState.DIVERGED,
    TrialState.FAILED,
    TrialState.PENDING,
)


@pytest.mark.parametrize(
    ("states", "job", "said"),
    [
        ([DIVERGED], {}, "the only trial of job 'sample' diverged"),
        ([DIVERGED] * 2, {}, "both trials of job 'sample' diverged"),
        ([DIVERGED] * 3, {}, "all 3 trials of job 'sample' diverged"),
        ([DIVERGED] * 3 + [FAILED], {}, "all 3 trials of job 'sample' with a result diverged"),
        ([DIVERGED, PENDING], {}, "the only trial of job 'sample' with a result diverged"),
        ([FAILED] * 3, {}, "all 3 trials of job 'sample' failed"),
        ([FAILED, PENDING], {}, "no trial of job 'sample' has a result yet"),
        ([], {}, "no trial of job 'sample' has a result yet"),
        (
            [COMPLETED],
            {"constraints": {"seconds": 1}},
            "no trial of job 'sample' has a result within the job's constraints",
        ),
        # Constraints are no reason where nothing came near them.
        ([DIVERGED] * 3, {"constraints": {"seconds": 1}}, "all 3 trials of job 'sample' diverged"),
        ([COMPLETED], {}, "no trial of job 'sample' has a score that is a finite number"),
        (
            [COMPLETED, DIVERGED],
            {"repeats": 2},
            "every point of job 'sample' with a result has a training that diverged",
        ),
    ],
)
def test_why_there_is_no_best(states: list[TrialState], job: dict[str, object], said: str) -> None:
    rows = [make_trial({"neurons": n}, state=state) for n, state in enumerate(states)]
    assert why_no_best(make_job({"neurons": list(range(len(states)))}, **job), rows) == said
