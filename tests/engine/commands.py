"""Jobs whose trials are trained by a command: small shell and Python scripts, run as a launch runs them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridsearch.config.job import job_from_text
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.prepare.jobs import prepare
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.engine.run.launch import Launch, LaunchEnd, LaunchOptions, worker_settings
from gridsearch.store.opening import open_store
from gridsearch.store.rows import EpochRow, TrialRow
from tests.engine.launching import Notes

#: A training that learns at the rate it is given, to the shell.
EPOCHS = "for e in $(seq 1 {epochs}); do echo epoch $e acc=0.$e loss={rate}; done"


def job_text(
    command: str, more: str = "", *, space: str = "{rate: [0.5]}", metric: str = "acc", mode: str = "max"
) -> str:
    lines = [
        "name: mine",
        f"command: {command}",
        f"space: {space}",
        f"objective: {{metric: {metric}, mode: {mode}}}",
    ]
    return "\n".join([*lines, textwrap.dedent(more)])


def prepared(folder: Path, text: str, *overrides: str) -> Prepared:
    return prepare(job_from_text(text, overrides, base=folder), folder / "data", limits=Limits(60.0, lambda: False))


def launch(
    folder: Path,
    job: Prepared | str,
    *,
    retry_failed: bool = False,
    patience: float | None = None,
    stopping: Callable[[], bool] = lambda: False,
    notes: Notes | None = None,
) -> LaunchEnd:
    job = prepared(folder, job) if isinstance(job, str) else job
    options = LaunchOptions(workers=1, device="cpu", retry_failed=retry_failed, trial_timeout=patience)
    path = folder / "results.db"
    settings = worker_settings(job, path, options)
    with open_store(path) as store:
        return Launch(job, store, path, options).run(
            lambda: InlineExecutor(settings), listener=notes or Notes(), stopping=stopping
        )


def trials(folder: Path) -> list[TrialRow]:
    """Return the trials that a store has, in the order of the grid; verifies the store first."""
    with open_store(folder / "results.db", create=False) as store:
        assert store.verify() == []
        return store.trials("mine")


def only(folder: Path) -> TrialRow:
    (row,) = trials(folder)
    return row


def epochs(folder: Path, row: TrialRow) -> list[EpochRow]:
    with open_store(folder / "results.db", create=False) as store:
        return store.epochs([row.lineage_id])


def values(folder: Path, row: TrialRow, metric: str) -> list[Any]:
    return [epoch.more.get(metric) for epoch in epochs(folder, row)]
