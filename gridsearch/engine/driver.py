"""The driver: hands out packs, records what comes back, and is the only writer of a launch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gridsearch import paths
from gridsearch.engine.dooms import Doom
from gridsearch.engine.keeping import BestSoFar
from gridsearch.errors import not_writable
from gridsearch.search.plan import LineagePlan
from gridsearch.spec.outcomes import (
    EpochRecord,
    FormMeasured,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineageStopped,
    WorkerEvent,
)
from gridsearch.store.contract import Store
from gridsearch.store.rows import Claim, Recorded
from gridsearch.training.task import LineageTask, Pack

#: How many worker deaths without an epoch between a lineage may be present at before the next is its own failure.
CRASHES_FORGIVEN = 1


class Listener(Protocol):
    """Whoever wants to know how a launch goes: the terminal's progress, a test."""

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Learn what has just been recorded."""

    def note(self, text: str) -> None:
        """Learn something worth a line."""


class Driver:
    """The desk of a launch (see `Desk`): claims lineages as workers ask for them, and records under those claims."""

    def __init__(self, store: Store, store_path: Path, launch_id: int, *, stopping: Callable[[], bool]) -> None:
        self.store, self.store_path, self.launch_id = store, store_path, launch_id
        self.stopping = stopping
        self.listener: Listener | None = None
        self.waiting: list[Sequence[Sequence[LineagePlan]]] = []
        self.measured: list[FormMeasured] = []
        self.plans: dict[str, LineagePlan] = {}
        self.unfinished: dict[str, LineageTask] = {}
        self.keeper: BestSoFar | None = None
        #: Lineages that have not come to their end, as far as known here.
        self.open: set[str] = set()
        self.crashes: Counter[str] = Counter()
        self.handed_out = 0

    def enqueue(self, packs: Sequence[Sequence[Sequence[LineagePlan]]]) -> None:
        """Put packs in line, first come first served; each is one or more groups to be trained as one."""
        self.waiting = list(packs)
        self.plans = {lineage.lineage_id: lineage for pack in packs for group in pack for lineage in group}
        self.open = set(self.plans)
        self.measured = self.store.measured()

    def next_pack(self) -> Pack | None:
        """Return the next pack with those of its lineages that could be claimed, or None."""
        while self.waiting and not self.stopping():
            plans = self.waiting.pop(0)
            targets = {lineage.lineage_id: lineage.config.epochs for group in plans for lineage in group}
            tasks = {claim.lineage_id: self._task(claim) for claim in self.store.claim(self.launch_id, targets)}
            if tasks:
                self.handed_out += 1
                self.unfinished.update(tasks)
                groups = [
                    tuple(tasks[line.lineage_id] for line in group if line.lineage_id in tasks) for group in plans
                ]
                return Pack(tuple(group for group in groups if group), self._measured_of(tasks.values()))
        return None

    def record(self, events: Sequence[WorkerEvent]) -> None:
        """Record events, tracebacks to their logs first, and tell the listener."""
        measured = [event for event in events if isinstance(event, FormMeasured)]
        if measured:
            self.store.remember(measured)
            self.measured += measured
        of_lineages = [event for event in events if not isinstance(event, FormMeasured)]
        if not of_lineages:
            return
        logs = {event.lineage_id: self._log(event) for event in of_lineages if isinstance(event, LineageFailed)}
        outcome = self.store.record(self.launch_id, of_lineages, logs)
        for event in of_lineages:
            if isinstance(event, EpochRecord):
                del self.crashes[event.lineage_id]
            elif isinstance(event, (LineageFinished, LineageStopped, LineageDiverged, LineageFailed)):
                self.unfinished.pop(event.lineage_id, None)
        if self.keeper:
            ends = (LineageFinished, LineageStopped, LineageDiverged)
            ended = {event.lineage_id for event in of_lineages if isinstance(event, ends)}
            self.open -= ended
            self.keeper.take(outcome.finished, ended, self.open)
        if self.listener:
            self.listener.recorded(of_lineages, outcome)

    def give_up(self, plans: Sequence[LineagePlan], doomed: Mapping[str, Doom]) -> None:
        """Record as failed lineages that no worker may be given."""
        self.plans |= {plan.lineage_id: plan for plan in plans}
        claims = self.store.claim(self.launch_id, {plan.lineage_id: plan.config.epochs for plan in plans})
        reasons = [(claim, doomed[claim.lineage_id]) for claim in claims]
        self.record(
            [LineageFailed(claim.lineage_id, claim.attempt, doom.error, doom.account) for claim, doom in reasons]
        )

    def crashed(self, pack: Pack, reason: str, *, silent: bool = False) -> None:
        """Hand out again what a dead worker had not finished, in halves, so that in the end a death has a name.

        What a worker was `silent` about waits until all else has been handed out: it may silence the next one too.
        """
        suspects = [task for task in pack.tasks if task.lineage_id in self.unfinished]
        forgiven = 0 if silent else CRASHES_FORGIVEN
        guilty = [task for task in suspects if len(suspects) == 1 and self.crashes[task.lineage_id] >= forgiven]
        if guilty:
            cause = reason.splitlines()[0]
            text = cause if silent else f"its worker died {self.crashes[guilty[0].lineage_id] + 1} times: {cause}"
            self.record([LineageFailed(task.lineage_id, task.attempt, text, reason) for task in guilty])
            return
        for task in suspects:
            self.crashes[task.lineage_id] += 1
            del self.unfinished[task.lineage_id]
        self.store.release(self.launch_id, [task.lineage_id for task in suspects])
        middle = -(-len(suspects) // 2)
        halves = [suspects[:middle], suspects[middle:]]
        at = len(self.waiting) if silent else 0
        self.waiting[at:at] = [[[self.plans[task.lineage_id] for task in half]] for half in halves if half]
        if self.listener:
            what = f"was ended: {reason.splitlines()[0]}" if silent else "died"
            self.listener.note(f"a worker {what}; {len(suspects)} of its lineages go on in another")

    def settle(self) -> None:
        """Give up what an executor took and left without a word, as if its worker had died.

        Nobody of this launch is at work then, so no claim may stay: the launch would wait for itself.
        """
        for task in list(self.unfinished.values()):
            self.crashed(Pack(((task,),)), "its worker was lost")
        self.store.release(self.launch_id)

    def _measured_of(self, tasks: Iterable[LineageTask]) -> tuple[FormMeasured, ...]:
        """Return what may concern these tasks of all that is remembered of forms."""
        sizes = {task.config.batch_size for task in tasks}
        return tuple(one for one in self.measured if one.batch_size in sizes)

    def _task(self, claim: Claim) -> LineageTask:
        config = self.plans[claim.lineage_id].config.model_copy(update={"epochs": claim.target_epochs})
        readings = self.plans[claim.lineage_id].readings
        return LineageTask(claim.lineage_id, claim.attempt, config, claim.recorded_epoch, readings)

    def _log(self, event: LineageFailed) -> str:
        path = paths.failure_log(self.store_path, event.lineage_id, event.attempt)
        config = self.plans[event.lineage_id].config
        text = f"lineage {event.lineage_id}, attempt {event.attempt}\n{config!r}\n\n{event.traceback}\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise not_writable("failure logs", path.parent, error) from error
        return str(path)
