"""A worker that calls a training function of the user's, trial after trial; what it prints goes to the trial's log."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from gridsearch import paths
from gridsearch.config.events import WorkerEvent
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.descriptors import descriptors_to, open_log
from gridsearch.engine.executors.worker_context import choose_device
from gridsearch.training.loop.task import LineageTask, Pack
from gridsearch.training.own.run import OwnContext, own_events

_END = object()


class _Surroundings:
    """What a training function finds, and may change, of its process: standard streams and the current folder.

    They are its own from its first line to its last, and nobody else's: whenever it hands over, ours are put back.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = open_log(log)
        self._streams: tuple[Any, Any] = (self._file, self._file)
        self._folder = Path.cwd()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be where the function is, until it hands over."""
        ours, folder = (sys.stdout, sys.stderr), Path.cwd()
        with descriptors_to(self._log):
            sys.stdout, sys.stderr = self._streams
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
            try:
                yield
            finally:
                self._streams = (sys.stdout, sys.stderr)
                with contextlib.suppress(OSError, ValueError):
                    self._file.flush()
                sys.stdout, sys.stderr = ours
                with contextlib.suppress(OSError):
                    self._folder = Path.cwd()
                with contextlib.suppress(OSError):
                    os.chdir(folder)

    def close(self) -> None:
        """Close the log."""
        with contextlib.suppress(OSError, ValueError):
            self._file.close()


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
        events, around = own_events(task, self._context), _Surroundings(log)
        try:
            while True:
                with around.entered():
                    event = next(events, _END)
                if event is _END:
                    return
                yield event  # type: ignore[misc]
        finally:
            with around.entered():
                events.close()  # type: ignore[attr-defined]
            around.close()
