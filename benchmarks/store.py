"""How fast the store is: prints n, seconds and the goal of each operation, and the hardware.

Run `python benchmarks/store.py [--trials 100000] [--folder DIR]`; the folder should lie on the disk that
matters. Beside the wall time stands the processor's time, which others on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from gridsearch.config import identity
from gridsearch.config.events import EpochRecord, LineageFinished, WorkerEvent
from gridsearch.config.trial import TrialConfig
from gridsearch.store.checksums import checksum
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.rows import Claim, NewTrial
from gridsearch.store.schema import tables

JOB = "benchmark"
EPOCHS_PER_TRIAL = 2
LINEAGES_PER_BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--recorded", type=int, default=20_000, help="trials to train, in batches")
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, {load}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; one run")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure_all(Path(folder) / "results.db", options.trials, options.recorded)


def measure_all(path: Path, n: int, recorded: int) -> None:
    grid = make_grid(n)
    measure("create", 1, "1 s", lambda: open_store(path).close())
    measure("open", 1, "-", lambda: open_store(path).close())
    with open_store(path) as store:
        measure("put_job, new", n, "5 s", lambda: store.put_job(JOB, {}, "", grid))
        measure("put_job, unchanged", n, "-", lambda: store.put_job(JOB, {}, "", grid))
        measure("states", n, "1 s", lambda: store.states([trial.trial_id for trial in grid]))
        measure("lineages", n, "1 s", lambda: store.lineages([trial.lineage_id for trial in grid]))
        train(store, grid[:recorded])
        finish(path, n)
        for metric, highest in (("val_accuracy", True), ("val_loss", False)):
            rank = partial(store.ranking, JOB, metric, 5, highest=highest)
            measure(f"ranking by {metric}", n, "0.3 s", rank)
        measure("counts", n, "-", lambda: store.counts(JOB))
        measure("trials", n, "-", lambda: store.trials(JOB))
        measure("job_epochs", n, "-", lambda: store.job_epochs(JOB))
        measure("events, the last 1000", 1000, "-", lambda: store.events(job=JOB))
    print(f"file {path.stat().st_size / 1e6:.0f} MB; peak memory {peak_mb():.0f} MB, the grid itself included")


def make_grid(n: int) -> list[NewTrial]:
    """Return a grid of lineages with one trial each, made without pydantic: the store is measured here."""
    example = TrialConfig(
        batch_size=16,
        epochs=EPOCHS_PER_TRIAL,
        learning_rate=0.5,
        dataset="d" * 64,
        model="shallow",
        hyper={"neurons": 10},
    )
    text = identity.canonical(example)
    assert "0.5" in text
    trials = []
    for place in range(n):
        config = text.replace("0.5", f"0.{place + 1_000_000}1")
        trials.append(NewTrial(identity.digest(config), identity.digest("lineage:" + config), EPOCHS_PER_TRIAL, config))
    return trials


def train(store: Store, grid: Sequence[NewTrial]) -> None:
    launch = store.open_launch(JOB, "host", 1, 0.0, 1)
    targets = {trial.lineage_id: trial.epochs for trial in grid}
    claims: list[Claim] = []
    measure("claim, one call", len(grid), "-", lambda: claims.extend(store.claim(launch, targets)))
    batches = list(batched(claims, LINEAGES_PER_BATCH))

    def record() -> None:
        for batch in batches:
            store.record(launch, list(reports(batch)), {})

    measure(f"record, {LINEAGES_PER_BATCH} trials a batch", len(grid), f"{len(grid) / 2000:.0f} s", record)
    store.close_launch(launch, "complete")


def reports(batch: Sequence[Claim]) -> Iterator[WorkerEvent]:
    for claim in batch:
        for epoch in range(claim.target_epochs + 1):
            share = int(claim.lineage_id[:8], 16) / 16**8
            yield EpochRecord(claim.lineage_id, claim.attempt, epoch, share, share, share, share, 0.1, 0.5)
        yield LineageFinished(claim.lineage_id, claim.attempt)


def finish(path: Path, n: int) -> None:
    """Give all trials numbers, past the store: ranking is measured on a store full of results."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE trials SET state = 'completed', finished_at = '2026-01-01T00:00:00.000000+00:00', "
            "seconds = 1, "
            "train_loss = abs(random()) / 9e18, val_loss = abs(random()) / 9e18, "
            "train_accuracy = abs(random()) / 9e18, val_accuracy = (abs(random()) % 5000) / 5000.0"
        )
        connection.create_function("checksum", -1, checksum)
        names = ", ".join(column.name for column in tables.trials.c if column.name != "seal")
        connection.execute(f"UPDATE trials SET seal = checksum({names})")
    connection.close()


def batched(items: Sequence[Claim], size: int) -> Iterator[list[Claim]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def measure(name: str, n: int, goal: str, work: Callable[[], Any]) -> None:
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    rate = f"{n / seconds:10.0f}/s"
    print(f"{name:32} n={n:<7} {seconds:8.3f} s {rate}   processor {cpu:7.3f} s   goal {goal}", flush=True)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
