"""The command that launches a job again as it was launched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gridsearch.analysis.launched_as import launched_as
from gridsearch.config.overridden_source import with_overrides
from gridsearch.store.rows import JobRow, LaunchRow, Origin

START = datetime(2026, 1, 1, tzinfo=UTC)


def job(name: str = "a", source: str = "name: a\n") -> JobRow:
    return JobRow(name, 1, {}, source, START, START)


def launches(*commands: str | None) -> list[LaunchRow]:
    """Launches with these commands, the oldest first."""
    return [
        LaunchRow(
            launch_id=n,
            job="a",
            host="h",
            pid=1,
            pid_started=1.0,
            workers=1,
            started_at=START + timedelta(hours=n),
            ended_at=None,
            outcome=None,
            beat=0,
            origin=Origin(command),
        )
        for n, command in enumerate(commands)
    ]


@pytest.mark.parametrize(
    ("commands", "file"),
    [
        ((), "a"),
        ((None,), "a"),
        (("gridsearch launch a --inline",), "a"),
        (("gridsearch launch a.yaml",), "a"),
        (("gridsearch launch jobs/a.yaml --workers 2",), "a"),
        (("gridsearch launch jobs2.yaml --store second.db",), "jobs2.yaml"),
        (("gridsearch launch 'my jobs/a.yaml'",), "my jobs/a.yaml"),
        (("gridsearch launch jobs2",), "jobs2"),
        (("gridsearch launch jobs2.yaml", "gridsearch resume a"), "jobs2.yaml"),
        (("gridsearch launch jobs2.yaml", "gridsearch launch jobs3.yaml"), "jobs3.yaml"),
        (("gridsearch launch", "gridsearch"), "a"),
        (("gridsearch launch 'jobs2.yaml",), "a"),
    ],
)
def test_the_file_of_the_newest_launch_is_named_unless_the_job_s_name_leads_to_it(
    commands: tuple[str | None, ...], file: str
) -> None:
    assert launched_as(job(), launches(*commands)[::-1]) == [file]


def test_what_was_set_is_set_again_unless_it_is_what_changes() -> None:
    overrides = ["weight_decay=0.001", "repeats=2", "space={neurons: [1, 2]}"]
    set_before = job(source=with_overrides("name: a\n", overrides))
    kept = ["--set", overrides[0], "--set", overrides[2]]
    assert launched_as(set_before, (), ["repeats=5"]) == ["a", *kept, "--set", "repeats=5"]
    commented = job(source="# --set up the machine first\nname: a\n")
    assert launched_as(commented, (), ["repeats=5"]) == ["a", "--set", "repeats=5"]
