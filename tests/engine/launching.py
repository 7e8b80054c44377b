"""Launching small jobs on real digits in this process, and looking at what the store then holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gridsearch.config.events import EpochRecord, LineageEvent
from gridsearch.config.job import job_from_text
from gridsearch.engine.executors.base import Executor
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.prepare.preparation import PreparedJob, prepare
from gridsearch.engine.run.driver import Driver
from gridsearch.engine.run.launch import Launch, LaunchEnd, worker_settings
from gridsearch.engine.run.liveness import own_process
from gridsearch.engine.run.planning import LaunchOptions
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Recorded
from tests.small_job import JOB as JOB


class Notes:
    """A listener that remembers, and that can have something happen after so many epochs."""

    def __init__(self, after: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.epochs: list[EpochRecord] = []
        self.notes: list[str] = []
        self.refused = 0
        self.after, self.act = after, act

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        self.refused += outcome.refused
        for event in events:
            if isinstance(event, EpochRecord):
                self.epochs.append(event)
        if self.after is not None and len(self.epochs) >= self.after:
            self.act()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def tick(self) -> None:
        """Nothing is looked after."""


def prepared(folder: Path, *overrides: str, text: str = JOB) -> PreparedJob:
    return prepare(job_from_text(text, overrides, base=folder), folder / "data")


def launch(
    job: PreparedJob,
    store_path: Path,
    *,
    notes: Notes | None = None,
    stopping: Callable[[], bool] = lambda: False,
    retry_failed: bool = False,
    keep: int | None = 1,
    make: Callable[[Any], Executor] = InlineExecutor,
) -> LaunchEnd:
    options = LaunchOptions(workers=1, device="cpu", retry_failed=retry_failed, keep=keep)
    settings = worker_settings(job, store_path, options)
    with open_store(store_path) as store:
        return Launch(job, store, store_path, options).run(
            lambda: make(settings), listener=notes or Notes(), stopping=stopping
        )


def driver_of(job: PreparedJob, store: Store, store_path: Path) -> tuple[Driver, Notes]:
    """Return the driver of a launch that has just been opened, and who listens to it."""
    store.put_job("small", job.record().as_json(), "", job.new_trials())
    driver = Driver(store, store_path, store.open_launch("small", *own_process(), 1), stopping=lambda: False)
    driver.listener = notes = Notes()
    return driver, notes


def table(store_path: Path, job: str = "small") -> dict[str, tuple[Any, ...]]:
    """Return every trial's state and numbers, to compare with another store's; verifies the store first."""
    with open_store(store_path, create=False) as store:
        assert store.verify() == []
        return {
            row.trial_id: (str(row.state), row.train_loss, row.train_accuracy, row.val_loss, row.val_accuracy)
            for row in store.trials(job)
        }


def assert_alike(actual: dict[str, tuple[Any, ...]], expected: dict[str, tuple[Any, ...]]) -> None:
    """Two tables are of the same trials with the same numbers, as far as float32 tells where packs had other shapes.

    In packs of the same shape numbers are equal to the last bit; in others sums are added up in another order.
    """
    assert actual.keys() == expected.keys()
    for trial_id, (state, *numbers) in expected.items():
        assert actual[trial_id][0] == state
        assert actual[trial_id][1:] == pytest.approx(tuple(numbers), rel=1e-3, abs=5e-3)
