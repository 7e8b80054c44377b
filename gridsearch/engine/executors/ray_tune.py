"""The Ray Tune executor: has the packs trained by the workers of a `RaySession`.

One Tune trial trains one pack. Tune asks for packs through its search algorithm interface as workers become free, so
claims are made when work starts and not before; workers are reused from pack to pack, and the data are put into Ray's
object store once. Tune's own restore, loggers and checkpoints are not used: what is true stands in our store.

Tune keeps a worker for reuse only while another trial is already waiting for one. So the number of trials at work is
limited by resources, each worker taking its share of Ray's, and never by Tune's `max_concurrent_trials`, under which
no trial ever waits and every pack would pay for a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gridsearch.engine.executors.ray_session import RaySession, session_folder  # first: it sets Ray up

# isort: split
from ray import tune
from ray.tune.search import Searcher

from gridsearch.config.events import StrategyMeasured, WorkerEvent
from gridsearch.config.identity import canonical, parse
from gridsearch.engine.executors.base import TaskQueue, WorkerSettings, opens_formation
from gridsearch.engine.executors.descriptors import descriptors_to, open_log
from gridsearch.engine.executors.worker import make_worker
from gridsearch.engine.executors.worker_log import WorkerLog
from gridsearch.engine.run.interruption import SIGNALS
from gridsearch.engine.run.own_folder import OwnFolder
from gridsearch.engine.run.silence import Silences, Watchdog
from gridsearch.engine.run.worker_death import cause_of_death
from gridsearch.errors import StorageError, not_writable
from gridsearch.training.loop.task import LineageTask, Pack

#: How long a worker gathers events before it reports; Tune needs tens of milliseconds for each report.
REPORT_SECONDS = 0.5


class PackTrainable(tune.Trainable):
    """A worker: trains the packs it is given, one after another, in one process."""

    def setup(self, config: dict[str, Any], *, settings: WorkerSettings, silent: Path) -> None:  # type: ignore[override]
        """Put the data on the device, once, and take the first pack."""
        with contextlib.suppress(ValueError):  # Ctrl-C is for the driver, which ends its workers
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.log = WorkerLog()
        # A command that is silent is ended by its worker, which goes on with the next.
        self.watchdog = Watchdog(None if settings.command else settings.patience, silent)
        self.worker = make_worker(settings)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next pack; the process and the data stay."""
        self.watchdog.name = new_config["name"]
        self.events = self.worker(pack_from_text(new_config["pack"]))
        return True

    def step(self) -> dict[str, Any]:
        """Train for about `REPORT_SECONDS`, at least to the next event, and report what happened.

        Checkpoints that cannot be written are reported too; raised here they would look like the worker's death.
        """
        events: list[WorkerEvent] = []
        deadline = time.monotonic() + REPORT_SECONDS
        try:
            for event in self.watchdog.watched(self.events):
                events += [*self.log.taken(), event]
                if time.monotonic() >= deadline or opens_formation(event):
                    return {"events": events, "done": False}
        except StorageError as error:
            return {"events": events, "done": True, "not_writable": str(error)}
        return {"events": [*events, *self.log.taken()], "done": True}


class NotSaved:
    """Leaves a part of Tune's run out of what Tune saves of itself for a restore, which we never ask for."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class PackSearcher(NotSaved, Searcher):
    """Gives Tune the queue's packs, in Tune's terms suggestions of a search algorithm."""

    def __init__(self, queue: TaskQueue) -> None:
        super().__init__(metric="events", mode="max")
        self.queue = queue
        self.packs: dict[str, Pack] = {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next pack, or that there is none."""
        pack = None if self.queue.stopping() else self.queue.next_pack()
        if pack is None:
            # A pack that is still being trained may come back if its worker dies, and a lock goes away.
            later = self.packs or self.queue.held_up()
            return None if later and not self.queue.stopping() else Searcher.FINISHED
        self.packs[trial_id] = pack
        return {"pack": pack_as_text(pack), "name": trial_id}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Forget a pack that is done; of one whose worker died Tune tells the recorder next, which reports it."""
        if not error:
            self.packs.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: what is left to do stands in our store."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Save nothing."""


class StopTune(BaseException):
    """Leaves Tune's loop at once; the workers end with Ray."""


class Recorder(NotSaved, tune.Callback):
    """Brings what workers report to the queue, in the driver's process and thread."""

    def __init__(self, queue: TaskQueue, searcher: PackSearcher, silences: Silences) -> None:
        self.queue, self.searcher, self.silences = queue, searcher, silences
        self.error: Exception | None = None
        self.deaths = 0
        self.handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def setup(self, stop: Any = None, num_samples: Any = None, total_num_samples: Any = None, **info: Any) -> None:
        """Take back the signals that Tune has just taken, to end in its own way: they ask the queue to stop."""
        if threading.current_thread() is threading.main_thread():
            for number, handler in self.handlers.items():
                signal.signal(number, handler)

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Stop when the queue wants to: every epoch is in its checkpoint already."""
        self._guarded(self.queue.tick)
        if self.queue.stopping():
            raise StopTune

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a report."""
        self._guarded(lambda: self._record(result))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tell the queue that a worker died; what training itself raises comes as an event instead."""
        if self.queue.stopping():
            raise StopTune  # a signal to all our processes may have reached the workers of a cluster, too
        account = self.silences.account(trial.trial_id)
        self.deaths += not account
        pack = self.searcher.packs.pop(trial.trial_id, None)
        if pack is not None:
            reason = account or _reason(trial)
            self._guarded(lambda: self.queue.crashed(pack, reason, silent=bool(account)))

    def _record(self, result: dict[str, Any]) -> None:
        self.queue.record(result["events"])
        if error := result.get("not_writable"):
            raise StorageError(error)

    def _guarded(self, action: Callable[[], None]) -> None:
        """Leave Tune at once when the queue fails (a full disk, say); Tune would bury the error in one of its own."""
        try:
            action()
        except Exception as error:
            self.error = error
            raise StopTune from error


class RayTuneExecutor:
    """Trains packs on the workers of a Ray, which it starts if nobody has yet, and closes at the end."""

    def __init__(self, settings: WorkerSettings, session: RaySession) -> None:
        self.settings, self.session = settings, session
        self.scratch: OwnFolder | None = None
        self.silences = Silences(settings.patience, session.options.scratch)

    def __enter__(self) -> Self:
        self.session.wait()
        try:
            self.scratch = OwnFolder(self.session.options.scratch, "tune")
        except OSError as error:
            self.session.close()
            raise not_writable("Ray Tune's files", self.session.options.scratch, error) from error
        self.silences.folder = self.scratch.path / "silent"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()
        if self.scratch:
            self.scratch.remove()

    def run(self, queue: TaskQueue) -> None:
        """Train the queue's packs until it has none left or wants to stop."""
        if queue.stopping():
            return
        assert self.scratch, "not entered"
        searcher = PackSearcher(queue)
        recorder = Recorder(queue, searcher, self.silences)
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.session.options.workers)
        trainable = tune.with_resources(
            tune.with_parameters(PackTrainable, settings=self.settings, silent=self.silences.folder.absolute()),
            {"cpu": self.session.cpus_per_worker(), "gpu": self.session.options.gpus_per_worker},
        )
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="packs",
                storage_path=str(self.scratch.path.absolute()),
                verbose=0,
                # Tune would ask each worker for a checkpoint at its end, and take having none for an error.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                callbacks=[recorder],
            ),
        )
        with contextlib.suppress(StopTune), tune_quiet(self.session.log):
            tuner.fit()
        if recorder.deaths:
            self.session.keep_logs()  # what dead workers last said stands there
        if recorder.error:
            raise recorder.error


def pack_as_text(pack: Pack) -> str:
    """Return a pack as text, because Tune copies, prints and saves what it is given."""
    groups = [
        [[task.lineage_id, task.attempt, canonical(task.config), task.recorded_epoch, task.readings] for task in group]
        for group in pack.groups
    ]
    return json.dumps([groups, [astuple(one) for one in pack.measured]])


def pack_from_text(text: str) -> Pack:
    """Return the pack that `pack_as_text` wrote."""
    groups, measured = json.loads(text)
    return Pack(
        tuple(
            tuple(
                LineageTask(key, attempt, parse(config), known, tuple(readings))
                for key, attempt, config, known, readings in group
            )
            for group in groups
        ),
        tuple(StrategyMeasured(*one) for one in measured),
    )


def _reason(trial: Any) -> str:
    path = trial.error_file
    account = Path(path).read_text(errors="replace").strip() if path and Path(path).exists() else ""
    return f"{cause_of_death(account)}\n\n{account}\n\nRay's own logs: {session_folder()}"


@contextlib.contextmanager
def tune_quiet(log: Path) -> Iterator[None]:
    """Send what Ray and Tune print, from Python or from native code, to a file."""
    with (
        open_log(log) as file,
        descriptors_to(log),
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield
