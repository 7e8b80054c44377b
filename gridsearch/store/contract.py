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
    Changes,
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
    Origin,
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
        """Check that the path still names the file that was opened; usable in any state.

        Every other method does so before it reads or writes anything.

        Raises:
            StoreMovedError: The file was deleted, moved or replaced.
        """

    @abstractmethod
    def waiting_at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Limit how long methods called within the block wait for other programs' locks.

        Args:
            seconds: The limit; after that a method raises `StoreLockedError`.
        """

    # -- jobs ----------------------------------------------------------------------------------------------

    @abstractmethod
    def put_job(self, name: str, spec: Mapping[str, Any], source: str, trials: Sequence[NewTrial]) -> JobRow:
        """Insert a job, or replace its spec and grid; insert those of its trials that are new.

        A new trial is `pending`, unless its lineage already has the answer: then it is `completed` from the recorded
        epoch (or `diverged`) at once. A trial that is already there keeps its state and numbers. Trials that left the
        grid stay in the store. If spec, source and grid are unchanged, the job keeps its revision; otherwise the
        revision grows by one and an event keeps the spec before it.

        Args:
            name: The job's name, unique in the store.
            spec: The resolved job as JSON values (`JobRecord.as_json`).
            source: The job file as YAML text.
            trials: The job's grid, in order. A trial that appears several times is a member once, at its first place.

        Returns:
            The job as it is stored now.

        Raises:
            StoreError: A trial's id is not the hash of its configuration.
        """

    @abstractmethod
    def jobs(self) -> list[JobRow]:
        """Return all jobs, last updated first."""

    @abstractmethod
    def job(self, name: str) -> JobRow:
        """Return one job.

        Raises:
            StoreError: There is no job of this name; the message names the nearest one.
        """

    # -- execution -----------------------------------------------------------------------------------------

    @abstractmethod
    def open_launch(  # noqa: PLR0913 - what is known of a process
        self,
        job: str,
        host: str,
        pid: int,
        pid_started: float,
        workers: int,
        process_table: str | None = None,
        origin: Origin | None = None,
    ) -> int:
        """Record that a process starts to train a job.

        Args:
            job: The job's name.
            host: The name of the machine.
            pid: The process's number on that machine.
            pid_started: When the process started, as `process_start` gives it, so that a reused number is noticed; 0 if
                not known.
            workers: How many workers train at the same time.
            process_table: The process table (boot and PID namespace) in which `pid` is a number; None if not known.
            origin: Where it came from; None if not known.

        Returns:
            The launch's id.
        """

    @abstractmethod
    def beat(self, launch_id: int) -> None:
        """Raise the launch's heartbeat counter by one. Not an event.

        Raises:
            LaunchClosedError: The launch is closed, because another process gave it up.
        """

    @abstractmethod
    def give_up_launch(self, launch_id: int, beat: int) -> bool:
        """Close an open launch as `lost`, unless it has beaten since.

        Args:
            launch_id: The launch.
            beat: The heartbeat counter at which the observer saw it last; a launch that has beaten since stays open.

        Returns:
            Whether it was closed.
        """

    @abstractmethod
    def close_launch(self, launch_id: int, outcome: str) -> None:
        """Record the end of a launch, and release every claim it still holds (as `release` does).

        Args:
            launch_id: The launch; one that is closed already stays as it is.
            outcome: `complete`, `some_failed`, `interrupted` or `lost`.

        Raises:
            StoreError: `outcome` is none of these.
        """

    @abstractmethod
    def open_launches(self) -> list[LaunchRow]:
        """Return the launches that have not been closed, alive or not, oldest first."""

    @abstractmethod
    def launches(self, job: str) -> list[LaunchRow]:
        """Return the launches of a job, those that ended too, oldest first."""

    @abstractmethod
    def at_work(self, job: str) -> list[AtWork]:
        """Return what open launches of a job have claimed: claims of one pack together, oldest first.

        Returns:
            `heard_at` is when a lineage of the pack was claimed, began to train or had an epoch recorded, whichever was
            last. What a launch has claimed beyond what its workers can hold is not with any worker yet.
        """

    @abstractmethod
    def claim(self, launch_id: int, targets: Mapping[str, int]) -> list[Claim]:
        """Claim lineages for a launch, each up to a number of epochs.

        A lineage is obtained only if no launch holds it (compare and set). Its attempt grows by one, and its open
        trials of at most that many epochs become `running` under that attempt. A lineage without an open trial within
        its target is not claimed.

        Args:
            launch_id: The launch.
            targets: The number of epochs by lineage id.

        Returns:
            The claims obtained, all or some, in the order of `targets`.

        Raises:
            LaunchClosedError: The launch is closed.
        """

    @abstractmethod
    def record(self, launch_id: int, events: Sequence[LineageEvent], logs: Mapping[str, str]) -> Recorded:
        """Record what workers report, in order, in one transaction.

        An event is accepted only if the launch holds the lineage under the event's attempt; others are refused and
        leave an event `refused`. Metrics that are not finite are stored as NULL. Trials that are not open never change.
        All events but `EpochRecord` and `LineagePlaced` end the claim; trials that are still running under it become
        `pending`.

        * `EpochRecord` inserts its epoch (one already recorded stays as it is), keeps what images it has right (see
          `answers`; those of the epoch before with any are removed unless a trial of the lineage ends between the two,
          whichever job's), and completes the open trials of exactly
          that many epochs. A loss that is not finite completes nothing and means that the lineage diverged in that
          epoch. A record that skips epochs, or whose learning rate or seconds are not finite, is a defect of the worker
          and counts as `LineageFailed`.
        * `LineageDiverged` makes the open trials of that many or more epochs `diverged`.
        * `LineageStopped` makes the open trials of more epochs `stopped`, with the numbers of its epoch, which is the
          last one recorded.
        * `LineageFailed` makes the lineage's running trials `failed`, with the error in one line.
        * `LineagePlaced` notes what trains the lineage from an epoch on (see `trainings`).

        A trial whose configuration has `restore_best` has the numbers of its best epoch so far
        (`config.early_stopping`).

        Args:
            launch_id: The launch that reports.
            events: What its workers report.
            logs: The path of the log of a failure, by lineage id.

        Returns:
            What was accepted and refused.
        """

    @abstractmethod
    def release(self, launch_id: int, lineage_ids: Collection[str] | None = None) -> int:
        """Give up claims of a launch.

        Args:
            launch_id: The launch.
            lineage_ids: The lineages to give up; None for all that it holds.

        Returns:
            How many running trials became `pending`.
        """

    @abstractmethod
    def unclaimed(self, lineage_ids: Collection[str]) -> AbstractContextManager[dict[str, LineageRow | None]]:
        """Hold the store's write lock while something is removed that only the holder of a claim may remove.

        Nobody can claim one of the lineages, or write to the store at all, until the block ends: so it must be short,
        and no other method may be called within. Not an event.

        Returns:
            Those of the lineages that no launch holds, by id; None for a lineage that is not in the store.
        """

    @abstractmethod
    def reopen(self, job: str, states: Collection[TrialState], among: Collection[str] | None = None) -> int:
        """Make trials of a job `pending` again, so that they are trained again.

        A trial whose lineage has got the answer since is settled at once.

        Args:
            job: The job's name.
            states: `failed`, `cancelled`, or both.
            among: The ids of the trials to consider; None for all of the job's.

        Returns:
            How many were reopened.

        Raises:
            StoreError: `states` has any other state.
        """

    @abstractmethod
    def remember(self, measured: Collection[StrategyMeasured]) -> None:
        """Keep what was measured of strategies; a newer measurement of the same replaces the older. No event."""

    @abstractmethod
    def note_sizes(self, sizes: Mapping[str, ModelSize]) -> None:
        """Keep how large the models of lineages are. No event.

        Args:
            sizes: Sizes by lineage id. Sizes that are known already stay; lineages not in the store are passed over.
        """

    @abstractmethod
    def put_evaluation(self, evaluation: Evaluation) -> EvaluationRow:
        """Record how a trial's model did on the test images; a trial is evaluated once.

        Returns:
            The evaluation in the store: this one, or the one that was recorded before. That stays as it is, but where
            it does not know which images were right, it learns it from an equal one of the same epoch.

        Raises:
            StoreError: The trial is not in the store or has no score, or the numbers do not fit each other or the
                trial.
        """

    @abstractmethod
    def put_latencies(self, measured: Collection[Latency]) -> None:
        """Keep how fast models predict; a newer measurement of the same replaces the older. No event."""

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
        """Return the trials of a job with the best last values of a metric, best first.

        Trials without a value, as of a metric that none has, and diverged ones are left out. Ties keep the order of the
        grid.

        Args:
            job: The job's name.
            metric: The name of a metric.
            n: How many trials at most.
            highest: Whether the highest values are the best.

        Raises:
            StoreError: Nothing can be called so that is a metric.
        """

    @abstractmethod
    def trial(self, prefix: str) -> TrialRow:
        """Return a trial by its id.

        Args:
            prefix: The id, or its first digits.

        Raises:
            StoreError: No trial's id, or more than one, starts with `prefix`.
        """

    def epochs(self, lineage_ids: Collection[str]) -> list[EpochRow]:
        """Return the epochs of these lineages, by lineage (in the order given) and epoch."""
        return [row for curve in self.curves(lineage_ids).values() for row in curve.rows]

    @abstractmethod
    def answers(self, lineage_ids: Collection[str]) -> dict[str, Mapping[int, bytes]]:
        """Return which validation images lineages have right, as `EpochRecord.correct`, by epoch.

        They are there of epochs that a trial is read at; of those recorded by older versions, and of epochs that a
        later one has made worthless, there are none. Lineages without any are left out.
        """

    @abstractmethod
    def curves(self, lineage_ids: Collection[str]) -> dict[str, LineageCurve]:
        """Return the epochs of each of those of the lineages that are in the store, in the order given."""

    def iter_curves(self, lineage_ids: Iterable[str]) -> Iterator[LineageCurve]:
        """Yield the epochs of each of these lineages, in the order given: for more of them than fit into memory.

        They are read as they are needed, and the store is free for writers in between. So each curve is consistent in
        itself, as it was when it was read; a lineage given twice is read twice, and may have grown meanwhile.
        """
        remaining = iter(lineage_ids)
        while asked := list(islice(remaining, _LINEAGES_AT_ONCE)):
            curves = self.curves(asked)
            yield from (curves.get(lineage_id) or LineageCurve(lineage_id) for lineage_id in asked)

    @abstractmethod
    def seconds_of(self, totals: Mapping[str, tuple[int, float]]) -> dict[str, tuple[float, ...]]:
        """Return how long each epoch of lineages took, from epoch 0 to a last one: for more of them than one looks at.

        Nothing else of these epochs is read, so no checksum tells whether they are what was written; their sum does.
        `curves` has the lineages that are left out: those whose sum is another, or of which an epoch is missing.

        Args:
            totals: For each lineage a last epoch, and the seconds up to it as the row of a trial has them.
        """

    @abstractmethod
    def trainings(self, lineage_id: str) -> list[TrainingRow]:
        """Return what trained a lineage, in order; nothing for one that was trained before this was recorded.

        Lineages that were trained in one formation have the same `Formation`.
        """

    @abstractmethod
    def job_trainings(self, job: str) -> list[TrainingRow]:
        """Return what trained the lineages of a job, those of each lineage in order (see `trainings`)."""

    @abstractmethod
    def configs(self, lineage_ids: Collection[str]) -> dict[str, str]:
        """Return, by lineage id, the canonical configuration of each lineage's trial with the most epochs.

        Lineages that are not in the store are left out.
        """

    @abstractmethod
    def training_cost(self, job: str) -> TrainingCost:
        """Return what training a job's lineages cost, as far as its trials reach: another job may have trained them
        further.

        An epoch counts once, however many trials read it, and so does one in which a lineage diverged. Epoch 0, the
        untrained model, counts with its time but not as an epoch.
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

        Args:
            job: A job's name: its revisions, and everything that its launches did.
            trial_id: A trial's full id: the event `enqueued` that brought it, and all that followed.
            limit: How many at most; if there are more, the last ones.
        """

    @abstractmethod
    def changes(self, job: str, after: int | None, *, most: int = 2000) -> Changes:
        """Return the trials that launches of a job changed after an event.

        Takes no longer for a job of very many trials. What launches of other jobs did with the same trials is not in
        it, and neither are epochs, which are no events.

        Args:
            job: The job's name.
            after: The number of the event; None for no trials but the number to go on from.
            most: How many events to look at, at most: the rest is for the next call.

        Raises:
            StoreError: There is no such job.
        """

    @abstractmethod
    def measured(self) -> list[StrategyMeasured]:
        """Return all measurements of strategies that are kept, of every machine."""

    @abstractmethod
    def evaluations(self, job: str | None = None) -> list[EvaluationRow]:
        """Return the evaluations of a job's trials in the order of its grid, or of all trials."""

    @abstractmethod
    def latencies(self, job: str | None = None) -> list[LatencyRow]:
        """Return the latencies of a job's trials in the order of its grid, by device and batch size, or of all."""

    @abstractmethod
    def verify(self) -> list[Problem]:
        """Check every invariant; changes nothing.

        Returns:
            The invariants that do not hold.

        Raises:
            StoreDamagedError: The file cannot even be read that far.
        """
