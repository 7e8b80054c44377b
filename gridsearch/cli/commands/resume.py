"""`gridsearch resume`: go on with what was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gridsearch.cli import jobs
from gridsearch.cli.launches import train
from gridsearch.cli.notifying import NotifyOption
from gridsearch.cli.options import (
    OnlyOption,
    OptionalJobName,
)
from gridsearch.cli.resources import (
    Training,
    with_training,
)
from gridsearch.cli.streams import say
from gridsearch.errors import (
    GridsearchError,
)
from gridsearch.quantities import counted
from gridsearch.store.waiting import ordinarily

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec


@with_training
def resume(
    job: OptionalJobName = None, only: OnlyOption = None, notify: NotifyOption = None, *, training: Training
) -> None:
    """Resume interrupted jobs as they were launched, and train what --only left out.

    Failed trials are only trained again with --retry-failed.
    """
    from gridsearch.config.selection import selecting

    if only and job is None:
        raise GridsearchError("--only selects trials of one job: name it, gridsearch resume JOB --only EXPRESSION")
    with ordinarily(endless=True):
        stored = _stored_jobs(training.store, job, retry_failed=training.retry_failed)
        raise typer.Exit(train([selecting(spec, only or ()) for spec in stored], training, notify))


def _stored_jobs(store_path: Path, name: str | None, *, retry_failed: bool) -> list[JobSpec]:
    """Return the jobs of the store that have something left to train; say so when none has."""
    from gridsearch.config.events import OPEN_STATES, TrialState
    from gridsearch.config.job import job_from_text
    from gridsearch.store.opening import open_store

    failures = {TrialState.FAILED, TrialState.CANCELLED}
    wanted = OPEN_STATES | (failures if retry_failed else set())
    specs, failed = [], 0
    jobs.require_store(store_path, name)
    with open_store(store_path, create=False) as store:
        for row in [store.job(jobs.stored_name(store, name))] if name else store.jobs():
            counts = store.counts(row.name)
            failed += sum(counts.get(state, 0) for state in failures)
            if wanted & set(counts):
                place = f"{store_path}, the file of job {row.name!r}"
                specs.append(job_from_text(row.source, base=row.record.base, source=place, accepted=True))
    if not specs:
        more = f"; {counted(failed, 'trial')} failed, train again with: --retry-failed" if failed else ""
        say(f"nothing to resume: every trial has ended{more}")
    return specs
