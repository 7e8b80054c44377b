"""Small grids and the reports of pretended workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gridsearch.config import identity
from gridsearch.config.events import EpochRecord, Formation, LineagePlaced, Place
from gridsearch.config.trial import TrialConfig
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Claim, NewTrial, Origin

JOB = "shallow"
SPEC = {"dataset": "digits", "axes": [{"name": "learning_rate", "values": [0.1, 0.01], "scale": "log"}]}
SOURCE = "name: shallow\n"


def new_trial(learning_rate: float = 0.1, epochs: int = 2, schedule: str = "constant", **others: Any) -> NewTrial:
    """Return a trial; trials of one learning rate share their lineage, unless the schedule is cosine."""
    config = TrialConfig(
        batch_size=8,
        epochs=epochs,
        learning_rate=learning_rate,
        schedule=schedule,
        dataset="0" * 64,
        model="shallow",
        hyper={"neurons": 10},
        **others,
    )
    return as_new(config)


def as_new(config: TrialConfig) -> NewTrial:
    """Return a configuration as a trial that a store takes."""
    return NewTrial(identity.trial_id(config), identity.lineage_id(config), config.epochs, identity.canonical(config))


def grid(rates: Iterable[float] = (0.1, 0.01), epochs: Iterable[int] = (1, 3)) -> list[NewTrial]:
    """Return the product of learning rates and epochs, the epochs running faster."""
    lengths = list(epochs)
    return [new_trial(rate, length) for rate in rates for length in lengths]


def start(store: Store, trials: Iterable[NewTrial], job: str = JOB, origin: Origin | None = None) -> int:
    """Put a job with these trials and open a launch of it."""
    store.put_job(job, SPEC, SOURCE, list(trials))
    return store.open_launch(job, "host", os.getpid(), 12.5, 2, origin=origin)


def claim_all(store: Store, launch: int, trials: Iterable[NewTrial], target: int = 100) -> list[Claim]:
    """Claim every lineage of the trials."""
    return store.claim(launch, {trial.lineage_id: target for trial in trials})


def epoch(claim: Claim, number: int, loss: float = 0.5, accuracy: float = 0.75) -> EpochRecord:
    """Return a report of one epoch; its numbers differ from epoch to epoch."""
    return EpochRecord(
        claim.lineage_id,
        claim.attempt,
        number,
        train_loss=loss / (number + 1),
        train_accuracy=accuracy + number / 1000,
        val_loss=loss / (number + 2),
        val_accuracy=accuracy + number / 2000,
        learning_rate=0.1,
        seconds=0.1 * (number + 1),
    )


def epochs(claim: Claim, last: int, first: int = 0) -> Iterator[EpochRecord]:
    """Yield the reports of epochs `first` to `last`."""
    return (epoch(claim, number) for number in range(first, last + 1))


def placed(claims: Sequence[Claim], strategy: str = "concatenated", first: int = 0) -> Iterator[LineagePlaced]:
    """Yield the reports that lineages are trained as one, or each alone."""
    places = tuple(Place(claim.lineage_id, first, claim.target_epochs) for claim in claims)
    formation = Formation(strategy, "a processor", 1, "2.0", () if strategy == "alone" else places)
    return (LineagePlaced(claim.lineage_id, claim.attempt, first, formation) for claim in claims)


def make_store(path: Path, trials: Iterable[NewTrial]) -> Store:
    """Open a fresh store with one job."""
    store = open_store(path)
    store.put_job(JOB, SPEC, SOURCE, list(trials))
    return store
