"""What trains packs in a worker: our own loop, or a training of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gridsearch.config.events import WorkerEvent
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.command_worker import CommandWorker
from gridsearch.engine.executors.own_worker import OwnWorker
from gridsearch.engine.executors.worker_context import WorkerContexts
from gridsearch.training.loop.pack import train_pack
from gridsearch.training.loop.task import Pack

#: Returns what happens to the lineages of a pack while it is trained.
Worker = Callable[[Pack], Iterator[WorkerEvent]]


def make_worker(settings: WorkerSettings, stop: Callable[[], bool] = lambda: False) -> Worker:
    """Return what trains packs in this process; `stop` is asked often whether to end."""
    if settings.own_logs is not None and settings.command is not None:
        return CommandWorker(settings, settings.command, settings.own_logs, stop).events
    if settings.own_logs is not None:
        return OwnWorker(settings, settings.own_logs, stop).events
    contexts = WorkerContexts(settings, stop)
    return lambda pack: train_pack(pack, contexts.at)
