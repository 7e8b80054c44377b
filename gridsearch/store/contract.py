"""The contract of a store. The docstrings here are the specification; one test suite runs on every store.

Promise: execution at least once, recorded result exactly once. A lineage is trained by whoever holds its
claim; the claim's attempt number is a fencing token, checked inside the transaction that records, so a worker
that was given up and wakes later changes nothing. Finished trials (`RESULT_STATES`) are immutable.

Every method is one transaction, durable when it returns. Every change of a job, lineage, trial or launch is
also an event, written in the same transaction, with three exceptions that another row tells as well: an epoch's
own row names the attempt that brought it, so does the row that says what trained it, and the trials that a job
brought are told of by one event `enqueued` with their number. An event with a trial has the state the trial went
into as its kind.

An open trial whose lineage has the answer is settled in the same transaction: `completed` from the epoch
recorded, `diverged` when the lineage diverged by then, or `stopped` when it stopped before. So an epoch is
trained once, whichever comes first, it or the trial.

Values handed out are copies. Methods may be called from any thread, one at a time; several processes may hold
the same store. Every method raises `StoreError` when the file cannot be read or written (read-only, disk full),
`StoreLockedError` when another program kept it locked for longer than the store was opened to wait,
`StoreDamagedError` when its content is not sound, `StoreMovedError` when its file was deleted or replaced.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Self

from gridsearch.config.events import LineageEvent, ModelSize, StrategyMeasured, TrialState
from gridsearch.store.rows import (
    AtWork,
    Claim,
    EpochRow,
    Evaluation,
    EvaluationRow,
    EventRow,
    JobRow,
    Latency,
    LatencyRow,
    LaunchRow,
    LineageCurve,
    LineageRow,
    NewTrial,
    Problem,
    Recorded,
    TrainingCost,
    TrainingRow,
    TrialRow,
)

#: Of how many lineages `iter_curves` reads the epochs at once.
_LINEAGES_AT_ONCE = 512


class Store(ABC):
    """Jobs, trials, epochs, launches and events; the only truth."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Release every connection; the store cannot be used afterwards. Closing twice is once."""

    @abstractmethod
    def check_in_place(self) -> None:
        """Raise `StoreMovedError` where what was opened is no longer what its path names; usable from any state.

        Every other method does so before it reads or writes anything.
        """

    @abstractmethod
    def waiting_at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Within it all waiting for other programs' locks ends after so many seconds, with `StoreLockedError`."""

    # -- jobs ----------------------------------------------------------------------------------------------

    @abstractmethod
    def put_job(self, name: str, spec: Mapping[str, Any], source: str, trials: Sequence[NewTrial]) -> JobRow:
        """Make `trials`, in this order, the job's grid; insert the job and those of its trials that are new.

        A new trial is `pending`, unless its lineage already has the answer: then it is `completed` from the
        epoch recorded (or `diverged`) at once. A trial already there keeps its state and numbers. Trials that
        left the grid stay in the store. A job whose spec, source and grid are unchanged keeps its revision;
        otherwise the revision grows by one and an event keeps the spec before it. The same trial may stand at
        several positions: it is a member once, at its first. `StoreError` when a trial's id is not the hash
        of its configuration.
        """

    @abstractmethod
    def jobs(self) -> list[JobRow]:
        """Return all jobs, last updated first."""

    @abstractmethod
    def job(self, name: str) -> JobRow:
        """Return one job; `StoreError` naming the nearest job's name when there is none."""

    # -- execution -----------------------------------------------------------------------------------------

    @abstractmethod
    def open_launch(
        self, job: str, host: str, pid: int, pid_started: float, workers: int, process_table: str | None = None
    ) -> int:
        """Record that a process starts to train a job; return the launch's id.

        `process_table` is where `pid` is a number in; None where that is not known.
        """

    @abstractmethod
    def beat(self, launch_id: int) -> None:
        """Raise the launch's beat by one: its sign of life. Not an event.

        `LaunchClosedError` when the launch is closed: another process gave it up.
        """

    @abstractmethod
    def give_up_launch(self, launch_id: int, beat: int) -> bool:
        """Close a launch as `lost` if its beat is still `beat` and it is open; return whether it was closed.

        So a launch that gives a sign of life between an observer's look and its verdict stays.
        """

    @abstractmethod
    def close_launch(self, launch_id: int, outcome: str) -> None:
        """Record the end of a launch, and release every claim it still holds (as `release`).

        `outcome` is `complete`, `some_failed`, `interrupted` or `lost`. A launch closed before stays as it
        is.
        """

    @abstractmethod
    def open_launches(self) -> list[LaunchRow]:
        """Return the launches that have not been closed, alive or not, oldest first."""

    @abstractmethod
    def launches(self, job: str) -> list[LaunchRow]:
        """Return the launches of a job, those that ended too, oldest first."""

    @abstractmethod
    def at_work(self, job: str) -> list[AtWork]:
        """Return what open launches of a job have claimed, what was claimed together as one, oldest claims first.

        `heard_at` is when a lineage of them was claimed, began to train or had an epoch recorded, whichever was last.
        What a launch has claimed beyond what its workers can hold is with none yet.
        """

    @abstractmethod
    def claim(self, launch_id: int, targets: Mapping[str, int]) -> list[Claim]:
        """Claim lineages for a launch, each up to a number of epochs; return those obtained.

        A lineage is obtained only if no launch holds it (compare and set). Its attempt grows by one, and its
        open trials of at most that many epochs become `running` under that attempt. A lineage with no open
        trial within its target is not claimed. All or some may be obtained; the order of `targets` is kept.
        `LaunchClosedError` when the launch is closed.
        """

    @abstractmethod
    def record(self, launch_id: int, events: Sequence[LineageEvent], logs: Mapping[str, str]) -> Recorded:
        """Record what workers report, in order, in one transaction.

        An event is accepted only if the launch holds the lineage under the event's attempt; others are
        refused and leave an event `refused`. An `EpochRecord` inserts its epoch (one already recorded stays
        as it is) and completes the open trials of exactly that many epochs; a loss that is not finite
        completes nothing and means that the lineage diverged in that epoch. `LineageDiverged` makes the open
        trials of that many or more epochs `diverged`. `LineageStopped` makes the open trials of more epochs
        `stopped`, with the numbers of its epoch, which is the last one recorded. A trial whose configuration has
        `restore_best` has the numbers of its best epoch so far (`config.early_stopping`). `LineageFailed` makes the
        lineage's running trials `failed` with the error in one line and `logs[lineage_id]` as the log's path.
        `LineagePlaced` notes what trains the lineage from an epoch on (see `trainings`).
        All events but that and `EpochRecord` end the claim; trials still running under it become `pending`.
        An `EpochRecord` that leaves out epochs, or whose learning rate or seconds are not finite, is a defect
        of the worker and counts as `LineageFailed`. Metrics that are not finite are stored as NULL. Trials
        that are not open never change.
        """

    @abstractmethod
    def release(self, launch_id: int, lineage_ids: Collection[str] | None = None) -> int:
        """Give up a launch's claims (all, or these); return how many running trials became `pending`."""

    @abstractmethod
    def unclaimed(self, lineage_ids: Collection[str]) -> AbstractContextManager[dict[str, LineageRow | None]]:
        """Give those of the lineages that no launch holds, and keep everybody from claiming one until the block ends.

        None stands for a lineage that is not in the store. For removing what only the holder of a claim may: nobody
        can write to the store meanwhile, so it must be short, and no other method may be called within. Not an event.
        """

    @abstractmethod
    def reopen(self, job: str, states: Collection[TrialState], among: Collection[str] | None = None) -> int:
        """Make the job's trials in these states (`failed` or `cancelled`) `pending` again; return how many.

        `among` are the ids of those that it is about, None for all of the job's. One whose lineage has got the answer
        since is settled at once. `StoreError` for any other state.
        """

    @abstractmethod
    def remember(self, measured: Collection[StrategyMeasured]) -> None:
        """Keep what was measured of strategies; a newer measurement of the same replaces the older. No event."""

    @abstractmethod
    def note_sizes(self, sizes: Mapping[str, ModelSize]) -> None:
        """Keep how large the models of lineages are; what is known stays, as do lineages not in the store. No event."""

    @abstractmethod
    def put_evaluation(self, evaluation: Evaluation) -> EvaluationRow:
        """Record what a trial's model did with the test images; a trial is evaluated once.

        An evaluation recorded before stays as it is, and is what returns. `StoreError` for a trial that is not in
        the store or has no score, and for an evaluation whose numbers do not fit each other or the trial.
        """

    @abstractmethod
    def put_latencies(self, measured: Collection[Latency]) -> None:
        """Keep how fast models answered; a newer measurement of the same replaces the older. No event."""

    # -- reading -------------------------------------------------------------------------------------------

    @abstractmethod
    def states(self, trial_ids: Collection[str]) -> dict[str, TrialState]:
        """Return the state of those of the trials that are in the store."""

    @abstractmethod
    def lineages(self, lineage_ids: Collection[str]) -> dict[str, LineageRow]:
        """Return those of the lineages that are in the store."""

    @abstractmethod
    def counts(self, job: str) -> dict[TrialState, int]:
        """Return how many trials of the job are in each state; states without any are left out."""

    @abstractmethod
    def trials(self, job: str | None = None) -> list[TrialRow]:
        """Return a job's trials in the order of its grid, or all trials of the store, first come first."""

    @abstractmethod
    def number_of_trials(self) -> int:
        """Return how many trials the store has; no row is read, so none is checked."""

    @abstractmethod
    def ranking(self, job: str, metric: str, n: int, *, highest: bool) -> list[TrialRow]:
        """Return the job's `n` trials with the highest (or lowest) last value of a metric, that one first.

        Trials without a value are left out, and so are diverged ones. Ties are settled by the order of
        the grid. `StoreError` for a metric that is none of `METRICS`.
        """

    @abstractmethod
    def trial(self, prefix: str) -> TrialRow:
        """Return the trial whose id starts with `prefix`; `StoreError` when none or several do."""

    def epochs(self, lineage_ids: Collection[str]) -> list[EpochRow]:
        """Return the epochs of these lineages, by lineage (in the order given) and epoch."""
        return [row for curve in self.curves(lineage_ids).values() for row in curve.rows]

    @abstractmethod
    def curves(self, lineage_ids: Collection[str]) -> dict[str, LineageCurve]:
        """Return the epochs of each of those of the lineages that are in the store, in the order given."""

    def iter_curves(self, lineage_ids: Iterable[str]) -> Iterator[LineageCurve]:
        """Yield the epochs of each of these lineages, in the order given: for more of them than the memory holds.

        They are read as they are needed, and between that the store is free for writers. So each curve is whole, as it
        was when it was read; a lineage given twice is read twice, and may have grown meanwhile.
        """
        remaining = iter(lineage_ids)
        while asked := list(islice(remaining, _LINEAGES_AT_ONCE)):
            curves = self.curves(asked)
            yield from (curves.get(lineage_id) or LineageCurve(lineage_id) for lineage_id in asked)

    @abstractmethod
    def trainings(self, lineage_id: str) -> list[TrainingRow]:
        """Return what trained a lineage, first come first; of one from before this was noted, nothing.

        Lineages that were trained in one formation have the same `Formation`.
        """

    @abstractmethod
    def job_trainings(self, job: str) -> list[TrainingRow]:
        """Return what trained the lineages of a job, those of each first come first (see `trainings`)."""

    @abstractmethod
    def configs(self, lineage_ids: Collection[str]) -> dict[str, str]:
        """Return, of those of the lineages that are in the store, the configuration of the trial with most epochs."""

    @abstractmethod
    def training_cost(self, job: str) -> TrainingCost:
        """Return what training a job's lineages took, as far as its trials reach: another job may have gone further.

        An epoch counts once, however many trials read it, and so does one in which a lineage diverged; the untrained
        model's takes time and is none.
        """

    @abstractmethod
    def job_epochs(self, job: str) -> list[EpochRow]:
        """Return the epochs of a job's lineages, by lineage (in the order of the grid) and epoch."""

    @abstractmethod
    def metric_names(self, job: str) -> tuple[str, ...]:
        """Return the metrics that any epoch of a job has, those of our own loop first; these where it has no epoch."""

    @abstractmethod
    def events(self, *, job: str | None = None, trial_id: str | None = None, limit: int = 1000) -> list[EventRow]:
        """Return events, oldest first: all, those of a job, or those of a trial and its lineage.

        Of more than `limit`, the last. A job's events are those of its revisions and of all that its launches
        did; a trial's begin with the one `enqueued` under which it came.
        """

    @abstractmethod
    def measured(self) -> list[StrategyMeasured]:
        """Return all that is remembered of strategies, of every machine."""

    @abstractmethod
    def evaluations(self, job: str | None = None) -> list[EvaluationRow]:
        """Return the evaluations of a job's trials in the order of its grid, or of all trials."""

    @abstractmethod
    def latencies(self, job: str | None = None) -> list[LatencyRow]:
        """Return the latencies of a job's trials in the order of its grid, by device and batch size, or of all."""

    @abstractmethod
    def verify(self) -> list[Problem]:
        """Check every invariant and return those that do not hold; changes nothing.

        `StoreDamagedError` when the file cannot even be read that far.
        """
