"""Makes the saved store of a schema version; run `python -m tests.store.make_asset` once a version.

The file goes to `assets/<version>.db` and never changes again; `test_migrations` opens every one of them.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gridsearch.config.events import LineageDiverged, LineageFailed, LineageFinished
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Evaluation, Latency, Origin
from gridsearch.store.schema.revisions import CURRENT
from tests.store.grids import JOB, claim_all, epoch, epochs, grid, placed, start

ASSETS = Path(__file__).parent / "assets"
RATES = (0.4, 0.3, 0.2, 0.1)
#: 1503 of 2000, the accuracy of epoch 3.
RIGHT = bytes([255] * 187 + [254] + [0] * 62)
CORRECT = bytes([0b11110111, 0b11000000])
ORIGIN = Origin("gridsearch launch a.yaml", "0123456789" * 4, clean=False, versions=(("gridsearch", "0.1.0"),))


def make_asset(path: Path) -> None:
    """Write a store in which every kind of row and state of a trial occurs."""
    trials = grid(rates=RATES, epochs=(1, 3))
    with open_store(path) as store:
        launch = start(store, trials, origin=ORIGIN)
        done, diverged, failed, running = claims = claim_all(store, launch, trials)
        store.record(launch, list(placed(claims[:3])) + list(placed(claims[3:], "alone")), {})
        ended = [replace(one, correct=RIGHT) if one.epoch == 3 else one for one in epochs(done, 3)]
        store.record(launch, [*ended, LineageFinished(done.lineage_id, 1)], {})
        lost = [
            *epochs(diverged, 1),
            epoch(diverged, 2, loss=math.nan),
            LineageDiverged(diverged.lineage_id, 1, 2),
        ]
        store.record(launch, lost, {})
        boom = LineageFailed(failed.lineage_id, 1, "boom", "Traceback")
        store.record(launch, [*epochs(failed, 1), boom], {failed.lineage_id: "logs/boom.log"})
        store.record(launch, list(epochs(running, 1)), {})
        store.put_job(JOB, {"images": {"train": 9}}, "second", trials)
        evaluated = trials[1].trial_id
        store.put_evaluation(Evaluation(evaluated, 3, 0.5, ("cat", "dog"), ((5, 1), (0, 4)), 0.25, correct=CORRECT))
        store.put_latencies([Latency(evaluated, "a processor", 1, 10, 0.5, 3)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")


if __name__ == "__main__":
    target = ASSETS / f"{CURRENT}.db"
    assert not target.exists(), f"{target} is history and is not written again"
    make_asset(target)
