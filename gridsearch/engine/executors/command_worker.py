"""A worker that runs a command of the user's, trial after trial; what it prints goes to the trial's log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gridsearch import paths
from gridsearch.config.command import Command
from gridsearch.config.events import WorkerEvent
from gridsearch.engine.executors.base import CommandPlace, WorkerSettings
from gridsearch.engine.prepare.own_command import read_command
from gridsearch.errors import not_writable
from gridsearch.training.loop.task import LineageTask, Pack
from gridsearch.training.own.command import CommandContext, command_events
from gridsearch.training.own.process import CommandRunner


class CommandWorker:
    """Trains the lineages of packs one after another."""

    def __init__(
        self, settings: WorkerSettings, place: CommandPlace, logs: Path, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._logs, self._runner, self._stop = logs, CommandRunner(), stop
        self._context = CommandContext(
            place.command, place.folder, place.runs, place.store, settings.threads,
            use_gpus=settings.device != "cpu", patience=settings.patience,
            code=lambda: code_of(place.command, place.folder), stop=stop,
        )  # fmt: skip

    def events(self, pack: Pack) -> Iterator[WorkerEvent]:
        """Yield what happens to each lineage of a pack until all are done or a stop."""
        for task in pack.tasks:
            if self._stop():
                return
            yield from command_events(task, self._context, self._runner, self._log(task))

    def _log(self, task: LineageTask) -> Path:
        """Return a trial's log: with what its earlier attempts said, and nothing from a store before this one."""
        log = paths.trial_log(self._logs, task.lineage_id)
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w" if task.attempt == 1 else "a") as file:
                if task.attempt > 1:
                    file.write(f"--- attempt {task.attempt} ---\n")
        except OSError as error:
            raise not_writable("logs of trials", log.parent, error) from error
        return log


def code_of(command: Command, folder: Path) -> str:
    """Return the fingerprint of a command's code as it is now."""
    return read_command(command, folder).fingerprint
