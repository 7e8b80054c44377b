"""A launch from beginning to end: enqueue, share the work with other launches, train, and say how it ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import torch

from gridsearch import paths
from gridsearch.analysis.best import best
from gridsearch.config.events import OPEN_STATES, RESULT_STATES, TrialState
from gridsearch.config.job import JobSpec
from gridsearch.config.trial import SplitKey, TrialConfig
from gridsearch.engine.disk.checkpoint_limit import CheckpointRoom
from gridsearch.engine.disk.disk_need import DiskNeed, disk_need, shortage
from gridsearch.engine.executors.base import CommandPlace, Executor, WorkerSettings
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.engine.run.driver import Driver, Listener
from gridsearch.engine.run.heartbeat import Heartbeat
from gridsearch.engine.run.liveness import Watch, described, own_process
from gridsearch.engine.run.objective_check import ObjectiveCheck, nobody_ranked
from gridsearch.engine.run.own_pace import OwnPace
from gridsearch.engine.run.packing import PlannedPack, bundles
from gridsearch.engine.run.planning import LaunchOptions, check_same_job, checkpoint_limit, plan_job, plan_packs
from gridsearch.engine.run.versions import versions_of
from gridsearch.engine.run.working_tree import commit_of
from gridsearch.engine.trained.retention import BestSoFar, clear_readings, keep_by_size, write_winners
from gridsearch.errors import EngineError, GridsearchError, StoreError, StoreMovedError
from gridsearch.search.plan import LineagePlan
from gridsearch.shell_words import quoted
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.processes import process_table
from gridsearch.store.rows import LaunchRow, Origin
from gridsearch.store.waiting import Patience
from gridsearch.training.arrays import to_device
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.distillation import TeacherFile
from gridsearch.training.loop.task import Retention
from gridsearch.training.recipe.normalization import UNCHANGED, Normalizer, make_normalizer

POLL_SECONDS = 0.5
#: How often in a row nothing may be claimed (another launch was faster) before that counts as a defect.
IDLE_ROUNDS = 20
#: How long an interrupted launch waits for the store's lock to say that it ended; else others see that it is gone.
LAST_WORD_SECONDS = 1.0


@dataclass(frozen=True)
class LaunchEnd:
    """How a launch ended.

    Attributes:
        counts: The trials that it was to train, by state.
        interrupted: Whether it ended before all of these were done.
        others: How many open trials of the job it was not to train (`--only`).
    """

    counts: dict[TrialState, int]
    interrupted: bool
    others: int = 0

    @property
    def failed(self) -> int:
        """Return how many trials failed or were given up."""
        return self.counts.get(TrialState.FAILED, 0) + self.counts.get(TrialState.CANCELLED, 0)

    @property
    def outcome(self) -> str:
        """Return the outcome as the store records it."""
        return "interrupted" if self.interrupted else "some_failed" if self.failed else "complete"


def worker_settings(
    prepared: Prepared,
    store_path: Path,
    options: LaunchOptions,
    teachers: Mapping[str, TeacherFile] | None = None,
    datasets: Collection[str] | None = None,
) -> WorkerSettings:
    """Return what workers need to train this job.

    Args:
        prepared: The job with its data and models.
        store_path: The store's file; checkpoints are kept beside it.
        options: How it is launched.
        teachers: Trained models by their trials' ids.
        datasets: The fingerprints of the data sets that may be trained on; None for all.
    """
    if not isinstance(prepared, PreparedJob):
        return WorkerSettings(
            splits={},
            num_classes=0,
            checkpoints=paths.checkpoint_dir(store_path),
            model_search=prepared.model_search,
            device=options.device,
            threads=options.threads,
            patience=options.trial_timeout or prepared.job.trial_timeout,
            own_logs=paths.log_dir(store_path),
            command=_command_place(prepared.job, store_path),
        )
    return WorkerSettings(
        splits={key: split for key, split in prepared.splits.items() if datasets is None or key.dataset in datasets},
        num_classes=prepared.dataset.num_classes,
        checkpoints=paths.checkpoint_dir(store_path),
        model_search=prepared.model_search,
        device=options.device,
        threads=options.threads,
        retention=Retention(paths.reading_dir(store_path, prepared.job.name), prepared.job.objective)
        if options.keep != 0
        else None,
        objective=prepared.job.objective,
        pretrained=prepared.pretrained,
        teachers=teachers or {},
        patience=options.trial_timeout or prepared.job.trial_timeout,
    )


def _command_place(job: JobSpec, store_path: Path) -> CommandPlace | None:
    if job.own is None or job.own.command is None:
        return None
    return CommandPlace(job.own.command, job.base, paths.runs_dir(store_path, job.name), store_path.absolute())


def close_lost_launches(store: Store, watch: Watch) -> list[LaunchRow]:
    """Close launches whose process is gone, which frees their claims.

    Returns:
        Those that were closed.
    """
    lost = [launch for launch in store.open_launches() if watch.is_lost(launch)]
    return [launch for launch in lost if store.give_up_launch(launch.launch_id, launch.beat)]


def _open(counts: Mapping[TrialState, int]) -> int:
    return sum(counts.get(state, 0) for state in OPEN_STATES)


def _check_idle(rounds: int, lineages: int) -> None:
    """Pause after rounds in which nothing could be claimed, and raise after too many."""
    if rounds > IDLE_ROUNDS:
        raise EngineError(f"{lineages} lineages can neither be claimed nor finished; run: gridsearch verify")
    if rounds:
        time.sleep(POLL_SECONDS)


class Launch:
    """One launch of a prepared job on a store."""

    def __init__(self, prepared: Prepared, store: Store, store_path: Path, options: LaunchOptions) -> None:
        self.prepared, self.store, self.store_path, self.options = prepared, store, store_path, options
        self.watch = Watch()
        self.room = CheckpointRoom(store, store_path, checkpoint_limit(prepared.job, options))
        # One for all trials that share it: each takes a pass over the training images.
        self._normalizers = cache(self._normalizer)

    def run(
        self, make_executor: Callable[[], Executor], *, listener: Listener, stopping: Callable[[], bool]
    ) -> LaunchEnd:
        """Train until the job is complete, everything left has failed, or a stop is wanted.

        Args:
            make_executor: Called once there is something to train; starting workers takes seconds.
            listener: Is told of progress and of remarks for the user.
            stopping: Asked often whether to stop.

        Raises:
            JobError: The store has a different job of this name.
            EngineError: Lineages can neither be claimed nor finished.
            StoreError: The store cannot be read or written.
        """
        name = self.prepared.job.name
        check_same_job(self.prepared, self.store)
        close_lost_launches(self.store, self.watch)
        self.store.put_job(name, self.prepared.record().as_json(), self.prepared.job.source, self.prepared.new_trials())
        if self.options.retry_failed:
            self.store.reopen(name, [TrialState.FAILED, TrialState.CANCELLED], self.prepared.grid.chosen)
        plan = plan_job(self.prepared, self.store)
        wanted = plan.lineages
        if not wanted and not plan.to_fail:
            if self.prepared.job.own and plan.done and not self.ranked:
                raise nobody_ranked(self.prepared.job, self.store.metric_names(name))
            self.keep_winners(listener)  # of a launch that ended before it could
            self.room.make()
            self.tell_removed(listener)
            return self.end(stopping())
        if lost := self.without_checkpoint(self.free_of_claims(wanted)):
            listener.note(
                f"the checkpoints of {len(lost)} unfinished lineages are missing or damaged (a limit or gc removes"
                f" some): they are trained again from the start; recorded results are kept"
            )
        while (fenced := self.train_registered(make_executor, listener, stopping)) is not None:
            listener.note(
                f"launch {fenced} was silent for so long that another launch took over its trials: its later reports"
                f" are refused; it continues as a new launch"
            )
        self.tell_removed(listener)
        return self.end(stopping())

    def tell_removed(self, listener: Listener) -> None:
        """Tell the listener how many checkpoints were deleted because of a limit, those of other jobs included."""
        if count := self.room.removed:
            listener.note(
                f"checkpoints of finished trainings were deleted to stay within the limit ({count:,}): training"
                f" these further would start from the beginning"
            )

    def train_registered(
        self, make_executor: Callable[[], Executor], listener: Listener, stopping: Callable[[], bool]
    ) -> int | None:
        """Train as a launch that the store knows.

        Returns:
            The launch's id if it was fenced off (given up by others) before the job was done, else None.
        """
        name = self.prepared.job.name
        process, workers = own_process(), self.options.workers
        launch_id = self.store.open_launch(name, *process, workers, process_table(), self.origin)
        outcome: str | None = "lost"
        try:
            if self.train(launch_id, make_executor, listener, stopping):
                return launch_id
            end = self.end(stopping())
            if not end.interrupted:
                self.keep_winners(listener)
                self.room.make()
            outcome = end.outcome
        except StoreMovedError:
            outcome = None  # whatever lies at its place now knows nothing of this launch
            raise
        except (KeyboardInterrupt, GridsearchError):
            outcome = "interrupted"
            raise
        finally:
            if outcome == "interrupted":
                self._last_word(launch_id)
            elif outcome is not None:
                self.store.close_launch(launch_id, outcome)
        return None

    @cached_property
    def origin(self) -> Origin:
        """Where this launch comes from; git is asked once, when it begins to train."""
        job = self.prepared.job
        return Origin(self.options.command, *commit_of(job.base), versions_of(job, ray=self.options.ray))

    def _last_word(self, launch_id: int) -> None:
        """Close an interrupted launch, if the store can be written now: else others do.

        Over a connection of its own, as an interruption within a statement closes the one that it was made over.
        """
        patience = Patience(LAST_WORD_SECONDS, note=lambda text: None)
        with suppress(StoreError):
            self.store.check_in_place()
            with open_store(self.store_path, create=False, patience=patience) as store:
                store.close_launch(launch_id, "interrupted")

    def train(
        self,
        launch_id: int,
        make_executor: Callable[[], Executor],
        listener: Listener,
        stopping: Callable[[], bool],
    ) -> bool:
        """Have workers train what is open, again and again while other launches give work back.

        Returns:
            Whether it ended because this launch was fenced off: silent for so long that others took over.
        """
        heart = Heartbeat(self.store_path, launch_id)
        self.watch = Watch(lambda: heart.beats)

        def halting() -> bool:
            return heart.fenced or driver.fenced or stopping()

        driver = self._driver(launch_id, listener, halting)
        told = False
        idle_rounds = 0
        with ExitStack() as stack:
            stack.enter_context(heart)
            executor: Executor | None = None
            while not halting() and (wanted := self.worth_training(driver)):
                free = self.free_of_claims(wanted, listener.note)
                if not free:
                    if not told:
                        listener.note(
                            f"{len(wanted)} lineages are claimed by {self.holders(launch_id)}; waiting for it"
                        )
                        told = True
                    time.sleep(POLL_SECONDS)
                    driver.tick()
                    continue
                if executor is None:
                    made = make_executor()
                    if halting():
                        break  # importing Ray took seconds, starting it would take more
                    executor = stack.enter_context(made)
                packs = self.packs(free)  # before anybody is kept: it notes how large models are
                self.tell_shortage(packs, driver)
                driver.keeper = driver.keeper or self.keeper()
                driver.enqueue(
                    [[pack.lineages] for pack in packs] if driver.pace else bundles(packs, self.options.workers)
                )
                handed_out = driver.handed_out
                executor.run(driver)
                if halting():
                    driver.catch_up()
                    break
                driver.finalize()
                idle_rounds = 0 if driver.handed_out > handed_out else idle_rounds + 1
                _check_idle(idle_rounds, len(free))
            if not halting():
                # Also those that hold nothing that was wanted here: nobody else may ever look at them for so long.
                for lost in close_lost_launches(self.store, self.watch):
                    listener.note(f"{described(lost)} is lost: its trials are free again")
        return (heart.fenced or driver.fenced) and not stopping()

    @property
    def ranked(self) -> bool:
        """Whether any trial has the objective's metric; a store without epochs names those of our own loop."""
        job = self.prepared.job
        rows = self.store.lineages([trial.lineage_id for trial in self.prepared.grid.trials])
        any_epoch = any(row.epoch > 0 for row in rows.values())
        return any_epoch and job.objective.metric in self.store.metric_names(job.name)

    def _driver(self, launch_id: int, listener: Listener, halting: Callable[[], bool]) -> Driver:
        driver = Driver(self.store, self.store_path, launch_id, stopping=halting)
        driver.listener, driver.room = listener, self.room
        job = self.prepared.job
        if job.own:
            seen = self.ranked
            driver.pace = OwnPace(self.options.workers)
            driver.observers = [driver.pace, ObjectiveCheck(job, seen=seen)]
        return driver

    def holders(self, launch_id: int) -> str:
        """Describe the other open launches, and for how long they have been silent."""
        others = [launch for launch in self.store.open_launches() if launch.launch_id != launch_id]
        return " and ".join(map(described, others)) or "another launch"

    @cached_property
    def keep(self) -> int:
        """How many of the best trials' weights are kept; `packs` has noted the sizes of models before."""
        asked = 0 if self.prepared.job.own else self.options.keep
        return keep_by_size(self.store, self.prepared.job.name) if asked is None else asked

    def keeper(self) -> BestSoFar | None:
        """Return what keeps the weights of the best trials so far, and no others; None if none are kept."""
        job, grid = self.prepared.job.name, self.prepared.grid
        places = (trial.trial_id for trial in grid.trials)
        return BestSoFar(self.store, self.store_path, job, places, self.keep, self.later()) if self.keep else None

    def later(self) -> frozenset[str]:
        """Return the lineages with open trials that this launch is not to train (`--only`), but others may."""
        if (chosen := self.prepared.grid.chosen) is None:
            return frozenset()
        others = [trial for trial in self.prepared.grid.trials if trial.trial_id not in chosen]
        states = self.store.states([trial.trial_id for trial in others])
        return frozenset(trial.lineage_id for trial in others if states[trial.trial_id] not in RESULT_STATES)

    def keep_winners(self, listener: Listener) -> None:
        """Write the weights of the best trials and remove others'; tell the listener which are missing."""
        if self.prepared.job.own:
            return
        name = self.prepared.job.name
        lost = write_winners(self.store, self.store_path, name, self.keep, self.normalizer)
        # Of repeats and folds the means decide, which those that are still to be trained may change.
        if not (self.prepared.job.copies > 1 and self.later()):
            clear_readings(self.store, self.store_path, name)
        if self.options.keep is None:  # nobody has asked for more than the best
            lost = [row for row in lost if row.trial_id in {place.row.trial_id for place in best(self.store, name, 1)}]
        if lost:
            first, single = lost[0].trial_id[:8], len(lost) == 1
            whose = f"trial {first}, the best," if single else f"{len(lost)} of the best trials"
            again = f"gridsearch evaluate {quoted(name)} --trial {first}"
            listener.note(
                f"the weights of {whose} are missing: another launch trained them, or they were deleted;"
                f" train {'it' if single else 'one'} again with: {again}"
            )

    def normalizer(self, config: TrialConfig) -> Normalizer | None:
        """Return how the images of a trial are normalised; None where they are only scaled."""
        return self._normalizers(config.split_key, config.normalization)

    def _normalizer(self, key: SplitKey, normalization: str) -> Normalizer | None:
        if normalization in UNCHANGED or not isinstance(self.prepared, PreparedJob):  # no look at images is needed
            return None
        split = self.prepared.splits[key]
        train = to_device(split.train_images, split.train_labels, torch.device("cpu"))
        return make_normalizer(normalization, train.images, as_given=train.as_given)

    def packs(self, lineages: Sequence[LineagePlan]) -> list[PlannedPack]:
        """Return the lineages in packs as these options allow."""
        return plan_packs(self.prepared, lineages, self.options, self.store.note_sizes)

    def tell_shortage(self, packs: Sequence[PlannedPack], driver: Driver) -> None:
        """Tell the listener, once, if a launch may need more of the disk than is free."""
        if driver.listener and not driver.handed_out and (said := shortage(self.disk_need(packs), self.store_path)):
            driver.listener.note(said)

    def disk_need(self, packs: Sequence[PlannedPack]) -> DiskNeed | None:
        """Return what packs will need of the disk; None if the size of a model is not known."""
        rows = self.store.lineages([lineage.lineage_id for pack in packs for lineage in pack.lineages])
        sizes = {key: row.parameters for key, row in rows.items() if row.parameters is not None}
        workers, keep = self.options.workers, self.options.keep
        return disk_need(packs, sizes, workers=workers, keep=keep, limit=self.room.limit)

    def free_of_claims(
        self, wanted: Sequence[LineagePlan], note: Callable[[str], None] = lambda text: None
    ) -> list[LineagePlan]:
        """Return those lineages that no live launch holds; lost launches are closed, and reported by `note`."""
        for lost in close_lost_launches(self.store, self.watch):
            note(f"{described(lost)} is lost: its trials continue here")
        rows = self.store.lineages([plan.lineage_id for plan in wanted])
        return [plan for plan in wanted if rows[plan.lineage_id].launch_id is None]

    def worth_training(self, driver: Driver) -> list[LineagePlan]:
        """Return the lineages with trials to train; what cannot be trained is recorded as failed first."""
        plan = plan_job(self.prepared, self.store)
        if plan.to_fail:
            found = {line.lineage_id: self.prepared.doom_of(line.config) for line in plan.to_fail}
            doomed = {key: doom for key, doom in found.items() if doom}
            driver.give_up(self.free_of_claims(plan.to_fail), doomed)
            plan = plan_job(self.prepared, self.store)
        return list(plan.lineages)

    def without_checkpoint(self, wanted: Sequence[LineagePlan]) -> list[LineagePlan]:
        """Return those lineages that have recorded epochs, but no sound checkpoint to continue from."""
        if self.prepared.job.own:  # a function need not save anything
            return []
        root = paths.checkpoint_dir(self.store_path)
        return [plan for plan in wanted if plan.start > 0 and CheckpointFolder(root, plan.lineage_id).load() is None]

    def end(self, interrupted: bool) -> LaunchEnd:
        """Return how the launch ended."""
        counts, others = self.store.counts(self.prepared.job.name), 0
        if (chosen := self.prepared.grid.chosen) is not None:
            found = Counter(self.store.states(chosen).values())
            counts = {state: found[state] for state in counts if found[state]}
            others = plan_job(self.prepared, self.store).others
        return LaunchEnd(counts, interrupted=interrupted and _open(counts) > 0, others=others)
