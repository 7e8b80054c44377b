"""A worker that calls a training function of the user's, trial after trial; what it prints goes to the trial's log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from gridsearch import paths
from gridsearch.config.events import WorkerEvent
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.descriptors import descriptors_to, open_log
from gridsearch.engine.executors.worker_context import choose_device
from gridsearch.training.loop.task import LineageTask, Pack
from gridsearch.training.own.run import OwnContext, own_events

_END = object()


@contextlib.contextmanager
def _printed_to(log: Path) -> Iterator[None]:
    """Have a file get what is printed, by Python or by native code."""
    with (
        open_log(log) as file,
        descriptors_to(log),
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield


class OwnWorker:
    """Trains the lineages of packs one after another; it leaves torch's settings to the function."""

    def __init__(self, settings: WorkerSettings, logs: Path, stop: Callable[[], bool]) -> None:
        torch.set_num_threads(settings.threads)
        self._logs = logs
        self._context = OwnContext(
            settings.checkpoints, settings.model_search, choose_device(settings.device).type, stop
        )

    def events(self, pack: Pack) -> Iterator[WorkerEvent]:
        """Yield what happens to each lineage of a pack until all are done or a stop."""
        for task in pack.tasks:
            if self._context.stop():
                return
            yield from self._logged(task)

    def _logged(self, task: LineageTask) -> Iterator[WorkerEvent]:
        log = paths.trial_log(self._logs, task.lineage_id)
        log.parent.mkdir(parents=True, exist_ok=True)
        if task.attempt > 1:
            with log.open("a") as file:
                file.write(f"--- attempt {task.attempt} ---\n")
        events = own_events(task, self._context)
        try:
            while True:
                with _printed_to(log):
                    event = next(events, _END)
                if event is _END:
                    return
                yield event  # type: ignore[misc]
        finally:
            with _printed_to(log):
                events.close()  # type: ignore[attr-defined]
