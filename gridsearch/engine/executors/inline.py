"""The in-process executor: the same packs without Ray, for notebooks, debugging and machines that have none."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from gridsearch.config.events import WorkerEvent
from gridsearch.engine.executors.base import TaskQueue, WorkerSettings, opens_formation
from gridsearch.engine.executors.descriptors import descriptors_to
from gridsearch.engine.executors.worker import Worker, make_worker
from gridsearch.models.seeding import RandomStates
from gridsearch.training.loop.task import Pack
from gridsearch.training.recipe.arithmetic import Arithmetic

#: How often what happened is handed to the queue; checkpoints already hold it.
REPORT_SECONDS = 0.5
#: How often to ask again while there is no pack only because the store is locked.
HELD_UP_SECONDS = 0.1


class InlineExecutor:
    """Trains packs one after another in this process; leaves torch's settings and the global generators as they were.

    What is printed meanwhile, by models say, goes to the `log`, if there is one.
    """

    def __init__(self, settings: WorkerSettings, log: Path | None = None) -> None:
        self.settings, self.log = settings, log
        self._printed = contextlib.ExitStack()
        self.threads = torch.get_num_threads()
        self.random_states, self.arithmetic = RandomStates.now(), Arithmetic.now()

    def __enter__(self) -> Self:
        if self.log:
            with contextlib.suppress(OSError):
                self.log.parent.mkdir(parents=True, exist_ok=True)
                self.log.unlink(missing_ok=True)
            self._printed.enter_context(descriptors_to(self.log))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._printed.close()
        torch.set_num_threads(self.threads)
        self.random_states.restore()
        self.arithmetic.hold()

    def run(self, queue: TaskQueue) -> None:
        """Train the queue's packs until it has none left or wants to stop."""
        worker = make_worker(self.settings, stop=queue.stopping)
        while not queue.stopping():
            if (pack := queue.next_pack()) is not None:
                self._train(pack, worker, queue)
            elif queue.held_up():
                time.sleep(HELD_UP_SECONDS)
                queue.tick()
            else:
                return

    def _train(self, pack: Pack, worker: Worker, queue: TaskQueue) -> None:
        batch: list[WorkerEvent] = []
        handed_over = time.monotonic()
        try:
            for event in worker(pack):
                batch.append(event)
                if time.monotonic() - handed_over >= REPORT_SECONDS or opens_formation(event):
                    queue.record(batch)
                    batch, handed_over = [], time.monotonic()
        finally:
            queue.record(batch)
