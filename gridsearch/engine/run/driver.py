"""The driver: hands out packs, records what comes back, and is the only writer of a launch."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from gridsearch import paths
from gridsearch.atomic import write
from gridsearch.config.events import (
    EpochMetrics,
    EpochRecord,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineageStopped,
    LogLine,
    StrategyMeasured,
    WorkerEvent,
)
from gridsearch.config.own_training import OwnConfig
from gridsearch.engine.disk.checkpoint_limit import CheckpointRoom
from gridsearch.engine.prepare.dooms import Doom
from gridsearch.engine.run.own_pace import OwnPace
from gridsearch.engine.trained.retention import BestSoFar
from gridsearch.errors import LaunchClosedError, StoreLockedError, not_writable
from gridsearch.search.plan import LineagePlan
from gridsearch.store.contract import Store
from gridsearch.store.rows import Claim, Recorded
from gridsearch.training.loop.task import LineageTask, Pack

_log = logging.getLogger(__name__)

#: How many worker deaths without an epoch between a lineage may be present at before the next is its own failure.
CRASHES_FORGIVEN = 1
#: How long training waits at a time for the store's lock, and how long it then goes on before the next try.
TRY_SECONDS, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 0.25, 2.0


class Listener(Protocol):
    """Whoever wants to know how a launch goes: the terminal's progress, a test."""

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Learn what has just been recorded."""

    def note(self, text: str) -> None:
        """Learn something worth a line."""

    def tick(self) -> None:
        """Learn that time has passed; called now and then, and never while an epoch is timed."""


class Observer(Protocol):
    """Learns what has been recorded."""

    def note(self, events: Sequence[LineageEvent]) -> None:
        """Take it in."""


class Driver:
    """The queue of a launch (see `TaskQueue`): claims lineages as workers ask for them, and records under those claims.

    What comes in while another program keeps the store locked is kept in order and done when the lock is gone; workers
    train on meanwhile. What is left when the launch ends stands in the checkpoints.
    """

    def __init__(self, store: Store, store_path: Path, launch_id: int, *, stopping: Callable[[], bool]) -> None:
        self.store, self.store_path, self.launch_id = store, store_path, launch_id
        self.stopping = stopping
        self.listener: Listener | None = None
        self.waiting: list[Sequence[Sequence[LineagePlan]]] = []
        self.measured: list[StrategyMeasured] = []
        self.plans: dict[str, LineagePlan] = {}
        self.unfinished: dict[str, LineageTask] = {}
        self.keeper: BestSoFar | None = None
        self.room = CheckpointRoom(store, store_path)
        #: How many packs are handed out at once; None for one, as where packs are cut to be of a good size.
        self.pace: OwnPace | None = None
        #: Who else learns what has been recorded, and may end the launch by an error.
        self.observers: list[Observer] = []
        #: Lineages that have not come to their end, as far as known here.
        self.open: set[str] = set()
        self.crashes: Counter[str] = Counter()
        self.handed_out = 0
        #: Whether the launch was closed by another that found it silent for too long.
        self.fenced = False
        self._to_do: deque[Callable[[], None]] = deque()
        self._next_try, self._pause = 0.0, 0.0

    def enqueue(self, packs: Sequence[Sequence[Sequence[LineagePlan]]]) -> None:
        """Put packs in line, first come first served; each is one or more groups to be trained as one."""
        self.waiting = list(packs)
        self.plans = {lineage.lineage_id: lineage for pack in packs for group in pack for lineage in group}
        self.open = set(self.plans)
        self.measured = self.store.measured()

    def next_pack(self) -> Pack | None:
        """Return the next pack with those of its lineages that could be claimed, or None."""
        while not self.stopping() and self._caught_up() and self.waiting:
            count = self.pace.at_once(len(self.waiting)) if self.pace else 1
            plans = [group for pack in self.waiting[:count] for group in pack]
            targets = {lineage.lineage_id: lineage.config.epochs for group in plans for lineage in group}
            try:
                with self.store.waiting_at_most(TRY_SECONDS):
                    claims = self.store.claim(self.launch_id, targets)
            except StoreLockedError:
                self._locked()
                return None
            except LaunchClosedError:
                self.fenced = True
                return None
            self._pause = 0.0
            del self.waiting[:count]
            if tasks := {claim.lineage_id: self._task(claim) for claim in claims}:
                self.handed_out += 1
                self.unfinished.update(tasks)
                groups = [
                    tuple(tasks[line.lineage_id] for line in group if line.lineage_id in tasks) for group in plans
                ]
                return Pack(tuple(group for group in groups if group), self._measured_of(tasks.values()))
        return None

    def record(self, events: Sequence[WorkerEvent]) -> None:
        """Record events, tracebacks to their logs first, and tell the listener; later where the store is locked."""
        measured = [event for event in events if isinstance(event, StrategyMeasured)]
        if measured:
            self.measured += measured
            self._to_do.append(partial(self.store.remember, measured))
        for line in (event for event in events if isinstance(event, LogLine)):
            logging.getLogger(line.logger).log(line.level, "a worker: %s", line.text)
        of_lineages = [event for event in events if not isinstance(event, (StrategyMeasured, LogLine))]
        if of_lineages:
            self._to_do.append(partial(self._record, of_lineages))
        self._caught_up()
        self.tick()

    def tick(self) -> None:
        """Let the listener look around, at other launches say."""
        if self.listener:
            self.listener.tick()

    def give_up(self, plans: Sequence[LineagePlan], doomed: Mapping[str, Doom]) -> None:
        """Record as failed lineages that no worker may be given."""
        self.plans |= {plan.lineage_id: plan for plan in plans}
        try:
            claims = self.store.claim(self.launch_id, {plan.lineage_id: plan.config.epochs for plan in plans})
        except LaunchClosedError:
            self.fenced = True
            return
        reasons = [(claim, doomed[claim.lineage_id]) for claim in claims]
        self.record(
            [LineageFailed(claim.lineage_id, claim.attempt, doom.error, doom.account) for claim, doom in reasons]
        )

    def crashed(self, pack: Pack, reason: str, *, silent: bool = False) -> None:
        """Hand out again what a dead worker had not finished, in halves, so that in the end a death has a name.

        What a worker was `silent` about waits until all else has been handed out: it may silence the next one too.
        """
        self._to_do.append(partial(self._crashed, pack, reason, silent=silent))
        self._caught_up()

    def held_up(self) -> bool:
        """Return whether the store is locked, so that a pack may come although there was none."""
        return self._next_try > 0.0

    def finalize(self) -> None:
        """Give up what an executor took and left without a word, as if its worker had died.

        Nobody of this launch is at work then, so no claim may stay: the launch would wait for itself.
        """
        self.catch_up()
        for task in list(self.unfinished.values()):
            self.crashed(Pack(((task,),)), "its worker was lost")
        self.catch_up()
        if not self.stopping():
            self.store.release(self.launch_id)

    def catch_up(self) -> None:
        """Wait until nothing is left to be recorded; where a stop is wanted, try once more."""
        self._next_try = 0.0
        while not self._caught_up() and not self.stopping():
            time.sleep(FIRST_PAUSE_SECONDS)

    def _caught_up(self) -> bool:
        """Do what has had to wait, if it is time to try; return whether nothing is left and the store may be used."""
        if time.monotonic() < self._next_try:
            return False
        self._next_try = 0.0
        while self._to_do:
            action = self._to_do.popleft()
            try:
                with self.store.waiting_at_most(TRY_SECONDS):
                    action()
            except StoreLockedError:
                self._to_do.appendleft(action)
                self._locked()
                return False
            self._pause = 0.0
        return True

    def _locked(self) -> None:
        self._pause = min(2 * self._pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._next_try = time.monotonic() + self._pause

    def _record(self, of_lineages: Sequence[LineageEvent]) -> None:
        logs = {event.lineage_id: self._log(event) for event in of_lineages if isinstance(event, LineageFailed)}
        outcome = self.store.record(self.launch_id, of_lineages, logs)
        # By itself: what is recorded is not recorded again, should the store be locked now.
        self._to_do.appendleft(partial(self._recorded, of_lineages, outcome))

    def _recorded(self, of_lineages: Sequence[LineageEvent], outcome: Recorded) -> None:
        if outcome.refused:
            _log.info(
                "%d reports were refused: another launch has claimed their lineages, or this one was closed",
                outcome.refused,
            )
        for event in of_lineages:
            if isinstance(event, (EpochRecord, EpochMetrics)):
                del self.crashes[event.lineage_id]
            elif isinstance(event, (LineageFinished, LineageStopped, LineageDiverged, LineageFailed)):
                self.unfinished.pop(event.lineage_id, None)
        for observer in self.observers:
            observer.note(of_lineages)
        ends = (LineageFinished, LineageStopped, LineageDiverged)
        ended = {event.lineage_id for event in of_lineages if isinstance(event, ends)}
        if ended:
            configs = {lineage_id: self.plans[lineage_id].config for lineage_id in ended if lineage_id in self.plans}
            self._to_do.appendleft(partial(self.room.ended, configs))
        if self.listener:
            self._to_do.appendleft(partial(self.listener.recorded, of_lineages, outcome))
        if self.keeper:
            self.open -= ended
            self._to_do.appendleft(partial(self.keeper.take, outcome.finished, ended, set(self.open)))

    def _crashed(self, pack: Pack, reason: str, *, silent: bool) -> None:
        suspects = [task for task in pack.tasks if task.lineage_id in self.unfinished]
        forgiven = 0 if silent else CRASHES_FORGIVEN
        guilty = [task for task in suspects if len(suspects) == 1 and self.crashes[task.lineage_id] >= forgiven]
        if guilty:
            cause = reason.splitlines()[0]
            text = cause if silent else f"its worker died {self.crashes[guilty[0].lineage_id] + 1} times: {cause}"
            failures = [LineageFailed(task.lineage_id, task.attempt, text, reason) for task in guilty]
            self._to_do.appendleft(partial(self._record, failures))
            return
        self.store.release(self.launch_id, [task.lineage_id for task in suspects])
        for task in suspects:
            self.crashes[task.lineage_id] += 1
            del self.unfinished[task.lineage_id]
        middle = -(-len(suspects) // 2)
        halves = [suspects[:middle], suspects[middle:]]
        at = len(self.waiting) if silent else 0
        self.waiting[at:at] = [[[self.plans[task.lineage_id] for task in half]] for half in halves if half]
        if self.listener:
            what = f"was ended: {reason.splitlines()[0]}" if silent else "died"
            self.listener.note(f"a worker {what}; {len(suspects)} of its lineages continue in another")

    def _measured_of(self, tasks: Iterable[LineageTask]) -> tuple[StrategyMeasured, ...]:
        """Return what may concern these tasks of all that is remembered of strategies."""
        sizes = {task.config.batch_size for task in tasks}
        return tuple(one for one in self.measured if one.batch_size in sizes)

    def _task(self, claim: Claim) -> LineageTask:
        config = self.plans[claim.lineage_id].config.model_copy(update={"epochs": claim.target_epochs})
        readings = self.plans[claim.lineage_id].readings
        return LineageTask(claim.lineage_id, claim.attempt, config, claim.recorded_epoch, readings)

    def _log(self, event: LineageFailed) -> str:
        path = paths.failure_log(self.store_path, event.lineage_id, event.attempt)
        config = self.plans[event.lineage_id].config
        told = f"{config.model} {config.settings()}" if isinstance(config, OwnConfig) else repr(config)
        text = f"lineage {event.lineage_id}, attempt {event.attempt}\n{told}\n\n{event.traceback}\n"
        try:
            write(path, text.encode(errors="backslashreplace"), durable=False)
        except OSError as error:
            raise not_writable("failure logs", path.parent, error) from error
        return str(path)
