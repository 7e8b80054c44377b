"""The limit that a job sets to checkpoints: how it is written, and that it is no part of a trial."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gridsearch.config.byte_sizes import bytes_of, size_text
from gridsearch.config.job import job_from_text
from gridsearch.errors import JobError
from tests.small_job import JOB


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("5GB", 5e9),
        ("5 GiB", 5 * 2**30),
        ("0.5tb", 5e11),
        ("'12 B'", 12),
        ("none", 0),
        ("0", 0),
        ("all", math.inf),
        ("null", None),
    ],
)
def test_a_limit_as_it_is_written(tmp_path: Path, written: str, limit: float | None) -> None:
    assert job_from_text(f"{JOB}checkpoints: {written}\n", base=tmp_path).checkpoints == limit
    assert job_from_text(JOB, [f"checkpoints={written}"], base=tmp_path).checkpoints == limit


@pytest.mark.parametrize("written", ["5", "1.5", "-5GB", "true", "[5GB]", "{max: 5GB}", "much", "5 XB"])
def test_what_is_no_size_is_refused_with_the_mend(tmp_path: Path, written: str) -> None:
    with pytest.raises(JobError, match="checkpoints: .* must be a size, such as 500MB, 5GB or 5GiB, or none or all"):
        job_from_text(f"{JOB}checkpoints: {written}\n", base=tmp_path)


def test_it_is_no_setting_of_trials(tmp_path: Path) -> None:
    with_limit, without = (job_from_text(JOB + more, base=tmp_path) for more in ("checkpoints: 1GB\n", ""))
    assert with_limit.setting_names == without.setting_names
    with pytest.raises(JobError, match="checkpoints"):
        job_from_text(JOB.replace("space:\n", "space:\n  checkpoints: [1GB, 2GB]\n"), base=tmp_path)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 999_499, 999_600, 10**9, 123_456_789_012])
def test_a_size_is_said_as_it_is_written(size: int) -> None:
    said = size_text(size)
    assert bytes_of(said) == pytest.approx(size, rel=0.06) and len(said) <= 6
