"""Running a command for a trial: what it prints, writes and reports as events like our loop's."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gridsearch.config.command import TRIAL_DIR, TRIAL_ID, Command, as_argument, variable_of
from gridsearch.config.durations import duration_text
from gridsearch.config.events import LineageEvent
from gridsearch.config.identity import own_id
from gridsearch.config.own_training import OwnConfig
from gridsearch.errors import TrialError
from gridsearch.training.loop.task import LineageTask
from gridsearch.training.own.history import Ended, Told, failed
from gridsearch.training.own.metric_sources import Found, JsonSource, Source, source_of
from gridsearch.training.own.process import CommandRunner, Start, search_path
from gridsearch.training.own.run_folder import RunFolder
from gridsearch.training.own.script import REPORT_VARIABLE
from gridsearch.training.own.tail import Tail

#: How often to look what has come; that a command has ended is noticed at once.
_LOOK_SECONDS = 0.1
#: How much of the output's end goes into the log of a failure, and how much of its last line into the error.
_ACCOUNT_BYTES, _LONGEST_LINE = 8192, 300
#: Of Ray and Tune, for their own workers: a command may have a Ray of its own.
_NOT_FOR_COMMANDS = ("RAY_", "TUNE_")


@dataclass(frozen=True)
class CommandContext:
    """Where commands run.

    Attributes:
        command: The command.
        folder: The folder to run it in, the job file's.
        runs: The folder of the job's trials' folders.
        store: The store, for whose trials they are.
        threads: How many threads it is to use.
        use_gpus: Whether it may see GPUs.
        patience: How many seconds it may report no epoch; None for any number.
        code: Returns the fingerprint of its source as it is now.
        stop: Asked often whether to stop.
    """

    command: Command
    folder: Path
    runs: Path
    store: Path
    threads: int
    use_gpus: bool
    patience: float | None
    code: Callable[[], str]
    stop: Callable[[], bool]


def command_events(
    task: LineageTask, context: CommandContext, runner: CommandRunner, log: Path
) -> Iterator[LineageEvent]:
    """Yield what happens to a lineage whose training is a command, until it ends or a stop.

    What it prints goes to the log. An epoch is yielded when the next begins or the command has ended: numbers of no
    epoch belong to the last. Raises `StorageError` where its folder cannot be made.
    """
    config = task.config
    assert isinstance(config, OwnConfig)
    told = Told(task, config)
    run = RunFolder(context.runs, own_id(config))
    run.prepare(context.store, first=task.attempt == 1)
    if context.code() != config.model_code:
        yield failed(
            task, TrialError(f"the code of {config.model!r} changed since this trial was planned; launch again")
        )
        return
    sources = _sources(context.command, run, log)  # before anything is printed
    try:
        if not runner.start(_start(task, context, run, log), context.stop):
            return
    except TrialError as error:
        yield failed(task, error, f"{error}\nfolder: {context.folder}\n")
        return
    running = _Running(told, context, runner, sources, log)
    try:
        yield from running.events()
    finally:
        if running.code is None:  # nobody wants more
            runner.leave()


def _start(task: LineageTask, context: CommandContext, run: RunFolder, log: Path) -> Start:
    config = task.config
    assert isinstance(config, OwnConfig)
    settings = config.settings()
    trial = {TRIAL_ID: run.trial_id, TRIAL_DIR: str(run.path)}
    more = {
        **{variable_of(name): as_argument(value) for name, value in settings.items()},
        **{variable_of(name): value for name, value in trial.items()},
        "GRIDSEARCH_SETTINGS": json.dumps(settings),
        "GRIDSEARCH_ATTEMPT": str(task.attempt),
        REPORT_VARIABLE: str(run.reports),
        "OMP_NUM_THREADS": str(context.threads),
        **({} if context.use_gpus else {"CUDA_VISIBLE_DEVICES": ""}),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_COMMANDS)}
    environment = {"PYTHONUNBUFFERED": "1", **kept, "PATH": search_path(), **more}
    return Start(context.command.arguments({**settings, **trial}), context.folder, environment, log, run.marker)


def _sources(command: Command, run: RunFolder, log: Path) -> list[Source]:
    asked = command.metrics_from
    start = log.stat().st_size if log.exists() else 0
    named = [source_of(asked, run.path, log, start)] if asked else []
    return [*named, JsonSource(Tail(run.reports), "gridsearch.report")]


class _Running:
    """A command that runs, and what has come of it."""

    def __init__(
        self, told: Told, context: CommandContext, runner: CommandRunner, sources: list[Source], log: Path
    ) -> None:
        self._told, self._context, self._runner, self._sources, self._log = told, context, runner, sources, log
        self._collected = _Collected(told, first=told.task.attempt == 1)
        self._began = self._heard = time.monotonic()
        #: How it ended; None while it runs.
        self.code: int | None = None

    def events(self) -> Iterator[LineageEvent]:
        """Yield what happens until it has ended, or a stop."""
        try:
            while self.code is None and not self._told.ended:
                if self._context.stop():
                    self.code = self._runner.end()
                    return
                self.code = self._runner.wait(_LOOK_SECONDS)
                yield from self._news()
                self._check_patience()
            yield from self._collected.close()
            if self.code is None:
                self.code = self._runner.end()
            end = Ended() if self._told.ended else self._end(self.code)
        except TrialError as error:
            if self.code is None:
                self.code = self._runner.end()
            yield from self._collected.close()
            end = Ended(error=error, account=self._account(str(error)))
        yield from self._told.end(end)

    def _news(self) -> Iterator[LineageEvent]:
        for source in self._sources:
            for found in source.read(last=self.code is not None):
                self._heard = time.monotonic()
                yield from self._collected.take(found)
                if self._told.ended:
                    return

    def _check_patience(self) -> None:
        patience = self._context.patience
        if patience is not None and self.code is None and time.monotonic() - self._heard > patience:
            raise TrialError(f"no epoch within {duration_text(patience)} (--trial-timeout)")

    def _end(self, code: int) -> Ended:
        seconds = time.monotonic() - self._began
        if code:
            raise TrialError(f"{_how(code)}{self._last_line()}")
        if not self._collected.any:
            named = self._sources[0].why_nothing() if len(self._sources) > 1 else ""
            raise TrialError(named or "the command ended without a metric: add metrics_from, or call gridsearch.report")
        return Ended(self._collected.final, seconds=seconds)

    def _last_line(self) -> str:
        lines = [line.strip() for line in self._tail().splitlines() if line.strip()]
        return f": {lines[-1][:_LONGEST_LINE]}" if lines else ", and nothing was printed"

    def _account(self, error: str) -> str:
        output = f"the end of its output, which is whole in {self._log}"
        return f"{error}\n\nin {self._context.folder}; {output}:\n{self._tail()}"

    def _tail(self) -> str:
        try:
            with self._log.open("rb") as stream:
                stream.seek(max(0, self._log.stat().st_size - _ACCOUNT_BYTES))
                return stream.read().decode(errors="replace")
        except OSError:
            return ""


class _Collected:
    """What was found, epoch by epoch: numbers of one epoch may come one after another."""

    def __init__(self, told: Told, *, first: bool) -> None:
        self._told, self._first = told, first
        #: The numbers that belong to no epoch.
        self.final: dict[str, float] = {}
        self._epoch: int | None = None
        self._metrics: dict[str, float] = {}
        self._since = self._begun = time.perf_counter()

    @property
    def any(self) -> bool:
        """Whether any number was found."""
        return bool(self.final) or self._epoch is not None or len(self._told.history) > 0

    def take(self, found: Found) -> Iterator[LineageEvent]:
        """Take in numbers; tell the epochs that are over."""
        if found.epoch is None:
            self.final.update(found.metrics)
            return
        epochs = self._told.config.epochs
        if found.epoch > epochs:
            raise TrialError(
                f"epoch {found.epoch} was reported, and the trial has {epochs}; set epochs to how many the command"
                " trains, and hand it {epochs}"
            )
        if self._epoch is not None and found.epoch < self._epoch:
            if found.again or not self._first:
                return  # a file was written anew, or by an attempt that began anew
            raise TrialError(
                f"epoch {found.epoch} was reported after epoch {self._epoch}: epochs come in ascending order"
            )
        if self._epoch is not None and found.epoch > self._epoch:
            yield from self._over(over=True)
        if found.epoch != self._epoch:
            self._epoch, self._metrics = found.epoch, {}
            self._since, self._begun = self._begun, time.perf_counter()
        self._metrics.update(found.metrics)

    def close(self) -> Iterator[LineageEvent]:
        """Tell the last epoch to the history."""
        if self._epoch is not None and not self._told.ended and self._epoch >= len(self._told.history):
            yield from self._over(over=False)

    def _over(self, *, over: bool) -> Iterator[LineageEvent]:
        assert self._epoch is not None
        yield from self._told.report(self._epoch, self._metrics, self._begun - self._since, over=over)


def _how(code: int) -> str:
    if code > 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"ended by {name}" + (" (for lack of memory?)" if name == "SIGKILL" else "")
