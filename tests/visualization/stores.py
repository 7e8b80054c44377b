"""Real stores, filled through their contract as a launch fills them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from gridsearch.config.events import EpochRecord, LineageDiverged, LineageEvent, LineageFailed, LineageFinished
from gridsearch.config.identity import canonical, lineage_id, trial_id
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.rows import NewTrial
from tests.analysis.grids import make_config, make_job

AXES: dict[str, list[Any]] = {"epochs": [1, 2], "learning_rate": [0.1, 0.01], "neurons": [5, 10, 20]}


def filled_store(path: Path, *names: str, failing: bool = False, diverging: bool = False, apart: float = 0.01) -> Store:
    """A store with these jobs, all of the same twelve trials; when asked to, the last lineage fails, or all diverge.

    Scores are `apart` from one lineage to the next.
    """
    store = open_store(path)
    points = [dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values())]
    configs = [make_config(point) for point in points]
    new = [NewTrial(trial_id(c), lineage_id(c), c.epochs, canonical(c)) for c in configs]
    for name in names:
        job = make_job(AXES, name=name)
        store.put_job(name, job.spec, f"name: {name}\n", new)
    launch = store.open_launch(names[0], "host", 1, 1.0, 1)
    targets = {trial.lineage_id: 2 for trial in new}
    for place, claim in enumerate(store.claim(launch, targets)):
        if failing and place == len(targets) - 1:
            failed = LineageFailed(claim.lineage_id, claim.attempt, "RuntimeError: no memory", "Traceback ...")
            store.record(launch, [failed], {claim.lineage_id: "logs/one.log"})
            continue
        if diverging:
            store.record(launch, [LineageDiverged(claim.lineage_id, claim.attempt, 0)], {})
            continue
        events: list[LineageEvent] = [
            EpochRecord(claim.lineage_id, claim.attempt, n, 2 / (1 + n), 0.1 * n, 2.1 / (1 + n), score, 0.1, 1.0)
            for n, score in enumerate((0.1, 0.5 + place * apart, 0.6 + place * apart))
        ]
        store.record(launch, [*events, LineageFinished(claim.lineage_id, claim.attempt)], {})
    store.close_launch(launch, "complete")
    return store
