"""What a launch would do: the difference to the store, and the packs. Needs no torch where nothing is to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gridsearch.config.events import RESULT_STATES, ModelSize
from gridsearch.config.job import JobSpec
from gridsearch.config.record import JobRecord
from gridsearch.engine.prepare.job_data import names_function
from gridsearch.engine.prepare.preparation import PreparedJob
from gridsearch.engine.prepare.prepared import Prepared
from gridsearch.engine.run.packing import PlannedPack, make_packs
from gridsearch.errors import JobError
from gridsearch.search.plan import LineagePlan, Plan, make_plan
from gridsearch.store.contract import Store

FOREVER = 2**62


@dataclass(frozen=True)
class LaunchOptions:
    """How to launch.

    Attributes:
        workers: How many processes train at the same time.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads per worker.
        retry_failed: Train failed trials again.
        largest_pack: How many lineages are trained together at most; 1 trains each alone, None sets no limit.
        keep: How many of the best trials' weights are kept; None decides by their size.
        trial_timeout: How many seconds a worker may be silent; None for what the job says.
        checkpoints: How many bytes the store's checkpoints may take; None for what the job says.
        command: The command line that launches, as others may read it; None where there is none.
        ray: Whether the workers are Ray's.
    """

    workers: int
    device: str = "auto"
    threads: int = 1
    retry_failed: bool = False
    largest_pack: int | None = None
    keep: int | None = None
    trial_timeout: float | None = None
    checkpoints: float | None = None
    command: str | None = None
    ray: bool = False


def check_same_job(prepared: Prepared, store: Store) -> None:
    """Refuse a job that has the name of a different one.

    An edited grid is the same job; other data, or models of which none is in common, are not.

    Raises:
        JobError: The store has a job of this name on other data or with other models.
    """
    job = prepared.job
    if job.name not in {row.name for row in store.jobs()}:
        return
    known, mine = store.job(job.name).record, prepared.record()
    for same, words, was, now in (
        (_same_training(known, mine), "trains the model", known.models_text, mine.models_text),
        (_same_data(known, mine), "is on the data set", known.dataset, mine.dataset),
    ):
        if not same:
            other = f"{was!r}, this file {now!r}" if was != now else f"{was!r} with other images or labels than now"
            raise JobError(
                f"{job.document.place(('name',))}: name: the store has another job {job.name!r}, which {words} {other};"
                " give this one another name (--set name=...) or another store (--store)"
            )


def _same_training(known: JobRecord, mine: JobRecord) -> bool:
    """Whether two jobs have a model in common; a command that is written another way is the same one, edited."""
    return bool(set(known.models) & set(mine.models)) or known.training == mine.training == "command"


def _same_data(known: JobRecord, mine: JobRecord) -> bool:
    """Whether two jobs have a data set in common; a function of the user's is the same one, edited, as a model is."""
    if known.fingerprints() & mine.fingerprints():
        return True
    return known.dataset == mine.dataset and names_function(mine.dataset, mine.base)


def plan_job(prepared: Prepared, store: Store | None, *, retry_failed: bool = False) -> Plan:
    """Return what launching would do. Writes nothing.

    Args:
        prepared: The job with its data and models.
        store: Where results may be already; None if there is no store yet.
        retry_failed: Whether failed trials are to be trained again.
    """
    trials = prepared.grid.trials
    states = store.states([trial.trial_id for trial in trials]) if store else {}
    lineages = store.lineages({trial.lineage_id for trial in trials}) if store else {}
    recorded = {key: FOREVER if row.answered else row.epoch for key, row in lineages.items()}
    return make_plan(
        prepared.grid,
        states,
        recorded,
        train_images=prepared.train_images,
        retry_failed=retry_failed,
        is_doomed=lambda config: prepared.doom_of(config) is not None,
    )


def needed_datasets(prepared: Prepared, store: Store) -> set[str]:
    """Return the fingerprints of the data sets that a trial without a result is on: others no worker needs."""
    trials = prepared.grid.trials
    states = store.states([trial.trial_id for trial in trials])
    return {trial.config.dataset for trial in trials if states.get(trial.trial_id) not in RESULT_STATES}


def plan_packs(
    prepared: Prepared,
    lineages: Sequence[LineagePlan],
    options: LaunchOptions,
    note: Callable[[Mapping[str, ModelSize]], None] = lambda sizes: None,
) -> list[PlannedPack]:
    """Group the lineages of a plan into packs for these workers and their memory, longest first.

    Args:
        prepared: The job with its data and models.
        lineages: What is to be trained.
        options: How it is launched: workers, device, and the largest pack.
        note: Called with the sizes of the lineages' models, as far as they can be counted.
    """
    if not lineages:
        return []
    if not isinstance(prepared, PreparedJob):
        return [PlannedPack((lineage,), None, 0.0, 0) for lineage in lineages]
    from gridsearch.engine.run.cost_model import CostModel
    from gridsearch.engine.run.memory import memory_per_worker

    memory, costs = memory_per_worker(options.device, options.workers), CostModel(prepared.models)
    for lineage in sorted(lineages, key=lambda one: prepared.job.models.index(one.config.model)):
        costs(lineage)  # by model: of users' models one at a time has a process
    packs = make_packs(lineages, costs, workers=options.workers, largest=options.largest_pack, memory=memory)
    note({lineage.lineage_id: size for lineage in lineages if (size := costs(lineage).profile.size)})
    prepared.models.rest()
    return packs


def checkpoint_limit(job: JobSpec, options: LaunchOptions) -> float:
    """Return how many bytes the store's checkpoints may take: by the option, else by the job, else any number."""
    asked = job.checkpoints if options.checkpoints is None else options.checkpoints
    return float("inf") if asked is None else asked
