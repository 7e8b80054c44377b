"""What is done of a launch, how fast it goes and what is best so far: what progress shows."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gridsearch.analysis.pace import Pace
from gridsearch.cli.render.best import Best, best_trial
from gridsearch.config.events import (
    OPEN_STATES,
    EpochMetrics,
    EpochRecord,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageStopped,
    TrialState,
)
from gridsearch.errors import GridsearchError, one_line
from gridsearch.quantities import duration

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from gridsearch.config.job import JobSpec
    from gridsearch.config.trial import TrialConfig
    from gridsearch.search.plan import Plan
    from gridsearch.store.contract import Store
    from gridsearch.store.rows import Recorded

#: The store is looked at this often at most, and for at most this share of the time.
_LOOK_SECONDS, _LOOK_SHARE = 2.0, 0.05
#: So long a look waits for a lock: training goes on only after it.
_LOOK_WAIT_SECONDS = 0.2


class ToldPace(Pace):
    """A pace in words."""

    def words(self, work_left: int) -> str:
        """Return rate and time left in words."""
        if not self.started:
            return "starting workers"
        rate, left = self.epochs_per_second, self.seconds_left(work_left)
        if rate is None:
            return "training"
        return f"{rate:,.1f} epochs/s" + (f" · {duration(left)} left" if left is not None else "")


class Tracker:
    """Counts what is done by this launch as it reports, and by others on the same store by looking there."""

    def __init__(self, store: Store, job: JobSpec, plan: Plan, *, train_images: Callable[[TrialConfig], int]) -> None:
        self.store, self.name = store, job.name
        self.members = frozenset(trial.trial_id for trial in plan.grid.chosen_trials)
        self.whole = plan.grid.chosen is None
        self.trials = len(self.members)
        self.trials_done = plan.done + plan.read + plan.failed
        self.failed = plan.failed
        self.best: Best | None = None
        self.steps = {lin.lineage_id: lin.config.batches_of_epoch(train_images(lin.config)) for lin in plan.lineages}
        self.reached = {lin.lineage_id: max(0, lin.start) for lin in plan.lineages}
        self.wanted = {lin.lineage_id: lin.config.epochs for lin in plan.lineages}
        self.epochs, self.epochs_done = plan.epochs, 0
        self.work, self.work_done = sum(lin.steps for lin in plan.lineages), 0
        self.pace = ToldPace()
        self._next_look = 0.0

    def count(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Take in what has been recorded."""
        if events and not self.pace.started:
            self.pace.note(self.work_done, self.epochs_done, at=time.monotonic() - _seconds_in(events))
        for event in events:
            if isinstance(event, (EpochRecord, EpochMetrics)):
                self._reach(event.lineage_id, event.epoch)
            elif isinstance(event, (LineageStopped, LineageDiverged, LineageFailed)):
                self._give_up(event.lineage_id)
        self.pace.note(self.work_done, self.epochs_done)
        # A lineage may hold trials of other jobs too.
        for trial in (trial for trial in outcome.finished if trial.trial_id in self.members):
            self.trials_done += 1
            self.failed += trial.state == TrialState.FAILED

    def look(self) -> None:
        """Take in what the store says, now and then: other launches train too, and earlier ones have."""
        now = time.monotonic()
        if now < self._next_look:
            return
        try:
            self._look()
        except GridsearchError as error:  # what the store cannot tell now it tells the next time
            _log.info("progress was not read from the store: %s", one_line(error))
        done = time.monotonic()
        self._next_look = done + max(_LOOK_SECONDS, (done - now) / _LOOK_SHARE)

    def _look(self) -> None:
        with self.store.waiting_at_most(_LOOK_WAIT_SECONDS):
            counts = self.store.counts(self.name) if self.whole else Counter(self.store.states(self.members).values())
            self.trials_done = sum(count for state, count in counts.items() if state not in OPEN_STATES)
            self.failed = counts.get(TrialState.FAILED, 0)
            self.best = best_trial(self.store, self.name) or self.best
            before = self.work_done
            for name, row in self.store.lineages(list(self.wanted)).items():
                self._reach(name, row.epoch)
                if row.answered:
                    self._give_up(name)
            if self.work_done > before:
                self.pace.note(self.work_done, self.epochs_done)

    def _reach(self, lineage: str, epoch: int) -> None:
        made = min(epoch, self.wanted.get(lineage, 0)) - self.reached.get(lineage, 0)
        if made > 0:
            self.reached[lineage] += made
            self.epochs_done += made
            self.work_done += made * self.steps[lineage]

    def _give_up(self, lineage: str) -> None:
        """Leave out what a lineage that stopped, diverged or failed will never need."""
        if lineage in self.wanted:
            rest = self.wanted[lineage] - self.reached[lineage]
            self.wanted[lineage] = self.reached[lineage]
            self.epochs -= rest
            self.work -= rest * self.steps[lineage]


def _seconds_in(events: Sequence[LineageEvent]) -> float:
    """Return how long the training took that brought these events: workers' first report comes after it."""
    seconds: dict[str, float] = defaultdict(float)
    for event in events:
        if isinstance(event, (EpochRecord, EpochMetrics)):
            seconds[event.lineage_id] += event.seconds
    return max(seconds.values(), default=0.0)
