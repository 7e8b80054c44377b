"""Small jobs in real stores, trained by pretended workers, and read as runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gridsearch.analysis.frames import load
from gridsearch.config.events import EpochRecord, LineageFinished
from gridsearch.config.identity import canonical, lineage_id, trial_id
from gridsearch.export.runs import Runs
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Claim, NewTrial
from tests.analysis.grids import make_config, make_job

NAME = "sample"
#: What a worker reports of a lineage, given its claim and its place.
Train = Callable[[Claim, int], Sequence[Any]]


def finished(claim: Claim, place: int) -> Sequence[Any]:
    """A training whose numbers are all different, to its end."""
    epochs = [
        EpochRecord(
            claim.lineage_id, claim.attempt, n, 2 / (1 + n), 0.1 * n, 2.1 / (1 + n), 0.2 * n + place / 100, 0.1, 1.0
        )
        for n in range(claim.target_epochs + 1)
    ]
    return [*epochs, LineageFinished(claim.lineage_id, claim.attempt)]


def train_in(store: Store, train: Train, name: str = NAME) -> None:
    """Have everything that is open trained."""
    trials = store.trials(name)
    launch = store.open_launch(name, "host", 1, 1.0, 1)
    targets: dict[str, int] = {}
    for row in trials:
        targets[row.lineage_id] = max(row.epochs, targets.get(row.lineage_id, 0))
    for place, claim in enumerate(store.claim(launch, targets)):
        store.record(launch, train(claim, place), {})
    store.close_launch(launch, "complete")


def put(store: Store, axes: Mapping[str, Sequence[Any]], name: str = NAME, **more: Any) -> None:
    """Put a job with these axes; with `repeats`, an axis of seeds is that of its repeats."""
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    configs = [make_config(point) for point in points]
    own = {axis: values for axis, values in axes.items() if not (axis == "seed" and "repeats" in more)}
    spec = make_job(own, name=name, **more).spec
    new = [NewTrial(trial_id(c), lineage_id(c), c.epochs, canonical(c)) for c in configs]
    store.put_job(name, spec, f"name: {name}\n", new)


def runs_of(store: Store, name: str = NAME) -> Runs:
    """Read a job's runs."""
    return Runs(store, load(store, name))


@contextmanager
def stored(
    path: Path, axes: Mapping[str, Sequence[Any]], *, train: Train | None = finished, **more: Any
) -> Iterator[tuple[Store, Runs]]:
    """Give a store with a job of these axes, trained, and its runs."""
    with open_store(path) as store:
        put(store, axes, **more)
        if train:
            train_in(store, train)
        yield store, runs_of(store)
