"""What a job asks for that changes nothing, or ranks upside down, is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.config.job import job_from_text
from gridsearch.config.remarks import remarks
from tests.small_job import JOB


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("objective: {metric: val_loss, mode: max}", ["objective: mode: max ranks the highest loss first"]),
        ("objective: {mode: min}", ["objective: mode: min ranks the lowest accuracy first"]),
        ("objective: {metric: val_loss}", []),
        ("nesterov: true", ["nesterov has no effect in this job: it applies to optimizer sgd with momentum"]),
        ("nesterov: [true, false]\nmomentum: [0, 0.9]", []),
        ("nesterov: true\nmomentum: 0.9\noptimizer: adam", ["momentum has no effect", "nesterov has no effect"]),
        ("momentum: 0.9\noptimizer: [adam, rmsprop]", []),
        ("gamma: 0.5", ["gamma has no effect in this job: it applies to schedule: step and plateau"]),
        ("gamma: 0.5\nstep_size: 3\nschedule: [constant, step]", []),
        ("temperature: 4", ["temperature has no effect"]),
    ],
)
def test_remarks(lines: str, said: list[str]) -> None:
    found = remarks(job_from_text(JOB.replace("space:", f"{lines}\nspace:"), base=Path()))
    assert len(found) == len(said)
    assert all(text.startswith(wanted) for text, wanted in zip(found, said, strict=True))
