"""`gridsearch launch`: train what has no result yet."""

from __future__ import annotations

from typing import Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.command_line import job_first
from gridsearch.cli.launches import train
from gridsearch.cli.notifying import NotifyOption
from gridsearch.cli.options import (
    JobFile,
    OnlyOption,
    SetOption,
)
from gridsearch.cli.planning import plan_teachers, print_plan
from gridsearch.cli.resources import (
    Training,
    with_training,
)
from gridsearch.store.waiting import ordinarily

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the plan, like the command plan.")]


@with_training
def launch(
    job: JobFile,
    set_: SetOption = None,
    only: OnlyOption = None,
    dry_run: DryRun = False,
    notify: NotifyOption = None,
    *,
    training: Training,
) -> None:
    """Train every trial that has no result yet, then write the job's page.

    Launching again continues where it stopped. The job's grid is what its file says now; trials of an earlier grid
    stay in the store.
    """
    job_first(job)
    spec = jobs.load(job, set_, only)
    if dry_run:
        plan_teachers(spec, training)
        print_plan(spec, training, as_json=False)
        return
    with ordinarily(endless=True):
        raise typer.Exit(train([spec], training, notify))
