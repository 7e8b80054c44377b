"""What the commands that read a large store cost: processor seconds and peak memory of each, as a user starts it.

Run `python benchmarks/commands.py [--trials 100000] [--epochs 20] [--keep DIR] [COMMAND ...]`. The store is made of
a real job on the digits, its curves are drawn; with `--keep` it is made once and used again. Each command runs in a
process of its own, its output goes to a file. So does the making: a process counts, as its peak memory, what the one
that started it had then. All modules are compiled before, as they are wherever gridsearch is installed.
"""

from __future__ import annotations

import argparse
import compileall
import math
import multiprocessing
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gridsearch

if TYPE_CHECKING:
    from gridsearch.config.events import LineageEvent
    from gridsearch.engine.prepare.preparation import PreparedJob
    from gridsearch.store.rows import Claim

#: Each command with its goal in seconds of the processor; none shall take more than `MOST_MB`.
COMMANDS = {
    "status": ("status large", 1.5),
    "top": ("top large", 2.0),
    "plan": ("plan large.yaml", 6.0),
    "verify": ("verify", 20.0),
    "export": ("export large --table epochs -o epochs.csv", 20.0),
    "dashboard": ("dashboard large", 12.0),
}
MOST_MB = 500
LINEAGES_PER_BATCH = 128
JOB = """\
name: large
dataset: digits
model: shallow
batch_size: 64
space:
  epochs: {epochs}
  learning_rate: {{logspace: [0.0001, 1.0], num: {rates}}}
  neurons: {{range: [1, 50], step: 1}}
  momentum: [0.0, 0.5, 0.9, 0.95]
  seed: [0, 1, 2, 3, 4]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("commands", nargs="*", help=", ".join(COMMANDS))
    options = parser.parse_args()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(
        f"{machine}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "results.db").exists():
            making = multiprocessing.get_context("spawn").Process(
                target=make, args=(folder, options.trials, options.epochs)
            )
            making.start()
            making.join()
            if making.exitcode:
                sys.exit(making.exitcode)
        compileall.compile_dir(Path(gridsearch.__file__).parent, quiet=1)
        for name in options.commands or COMMANDS:
            measure(folder, name)


def make(folder: Path, trials: int, epochs: int) -> None:
    """Make a job of so many trials of so many epochs, and a store that has all of them."""
    from gridsearch.config.job import load_job
    from gridsearch.engine.prepare.preparation import prepare

    file = folder / "large.yaml"
    file.write_text(JOB.format(epochs=epochs, rates=math.ceil(trials / 1000)))
    started = time.perf_counter()
    prepared = prepare(load_job(file), folder / "data")
    fill(prepared, folder / "results.db")
    count = len(prepared.grid.trials)
    print(f"made {count:,} trials, {count * (epochs + 1):,} epochs in {time.perf_counter() - started:.0f} s")


def fill(prepared: PreparedJob, path: Path) -> None:
    """Record drawn curves of all trials, through the store's contract."""
    from gridsearch.store.opening import open_store

    name = prepared.job.name
    with open_store(path) as store:
        store.put_job(name, prepared.record().as_json(), prepared.job.source, prepared.new_trials())
        launch = store.open_launch(name, "host", 1, 0.0, 1)
        claims = store.claim(launch, {trial.lineage_id: trial.config.epochs for trial in prepared.grid.trials})
        for first in range(0, len(claims), LINEAGES_PER_BATCH):
            batch = claims[first : first + LINEAGES_PER_BATCH]
            store.record(launch, list(reports(batch)), {})
        store.close_launch(launch, "complete")


def reports(batch: Sequence[Claim]) -> Iterator[LineageEvent]:
    from gridsearch.config.events import EpochRecord, LineageFinished

    for claim in batch:
        draws = random.Random(claim.lineage_id)
        final, speed = draws.random(), draws.uniform(0.1, 1.0)
        for epoch in range(claim.target_epochs + 1):
            loss = 2.3 * (final + (1 - final) * math.exp(-speed * epoch))
            right = round(323 * math.exp(-loss)) / 323
            yield EpochRecord(claim.lineage_id, claim.attempt, epoch, loss * 0.9, right, loss, right, 0.1, 0.5)
        yield LineageFinished(claim.lineage_id, claim.attempt)


def measure(folder: Path, name: str) -> None:
    """Run a command, and say what it took."""
    words, goal = COMMANDS[name]
    program = [sys.executable, "-m", "gridsearch", *words.split()]
    started = time.perf_counter()
    with (folder / f"{name}.out").open("wb") as out:
        process = subprocess.Popen(program, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    wall, seconds, memory = time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    said = "" if os.waitstatus_to_exitcode(status) == 0 else f"   ENDED WITH {os.waitstatus_to_exitcode(status)}"
    print(
        f"{name:10} processor {seconds:6.1f} s (goal {goal:4.1f})   memory {memory:5.0f} MB (goal {MOST_MB})"
        f"   wall {wall:6.1f} s{said}",
        flush=True,
    )


if __name__ == "__main__":
    main()
