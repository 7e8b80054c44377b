"""One peer run once on the grid, and what it did as numbers."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers_processes import Ended, environment, watch
from peers_train import Point, Record, Task, read_records, split_sizes, write_task

AXES: dict[str, list[float]] = {
    "batch_size": [4, 8, 16, 32, 64, 128],
    "epochs": [10, 20, 50, 100],
    "learning_rate": [0.1, 0.01, 0.001, 0.0001],
    "neurons": [10, 25, 50, 100],
}
JOBS = Path(__file__).resolve().parent.parent / "jobs"
PROGRAM = (sys.executable, "-m", "gridsearch")
LOG_LINES = 15  # of a peer that failed


@dataclass(frozen=True)
class Grid:
    """The points every peer trains; `axes` is empty when `stride` took some of the product away.

    `data` is "digits", or the folder of an `mnist.npz`.
    """

    data: str
    axes: dict[str, list[float]]
    points: tuple[Point, ...]
    stride: int

    @property
    def job(self) -> Path:
        """Return gridsearch's own job on these data."""
        return JOBS / ("quickstart.yaml" if self.data == "digits" else "shallow.yaml")

    def steps(self, indices: Iterable[int] | None = None) -> int:
        """Return how many optimiser steps these points take, or all."""
        points = self.points if indices is None else [self.points[index] for index in indices]
        return sum(point.steps(split_sizes(self.data)[2]) for point in points)


@dataclass(frozen=True)
class Run:
    """What one peer did in one round. Times in seconds; `None` where they cannot be told apart."""

    peer: str
    trials: int
    steps: int
    wall: float
    start: float | None = None
    close: float | None = None
    other_ms: float | None = None
    best: float | None = None
    projected: float | None = None
    disagreement: float | None = None
    note: str = ""
    accuracies: dict[int, float] = field(default_factory=dict, repr=False)

    @property
    def full_wall(self) -> float:
        """Return the wall time of the whole grid, projected when the peer was stopped."""
        return self.wall if self.projected is None else self.projected

    @property
    def training(self) -> float:
        """Return the wall time without start and close."""
        close = self.close if self.projected is None else 0.0
        return self.full_wall - (self.start or 0.0) - (close or 0.0)


def build_grid(data: str, axes: dict[str, list[float]], stride: int) -> Grid:
    """Return every `stride`-th point of the product of the axes."""
    product = itertools.product(*axes.values())
    points = tuple(Point(**dict(zip(axes, values, strict=True))) for values in product)  # type: ignore[arg-type]
    return Grid(data, {} if stride > 1 else axes, points[::stride], stride)


@dataclass(frozen=True)
class Means:
    """What every peer may use: processes, the device, how often it reports, and for how many seconds.

    `inline` has gridsearch train in its own process, whatever `workers` says.
    """

    workers: int
    report_every: int
    limit: float
    device: str = "cpu"
    inline: bool = False


def run_script(peer: str, grid: Grid, folder: Path, means: Means) -> Run:
    """Run the loop, Optuna or Ray Tune once."""
    records_file, log_file = folder / "records.json", folder / "log.txt"
    deadline = time.time() + means.limit
    task = Task(grid.data, grid.points, grid.axes, means.workers, means.report_every, deadline, folder, means.device)
    write_task(task, folder / "task.json")
    script = Path(__file__).with_name(f"peers_{peer}.py")
    command = [sys.executable, str(script), str(folder / "task.json"), str(records_file)]
    with log_file.open("w") as log:
        ended = watch(command, folder, log, means.limit, interrupt=False)
    if ended.status and not ended.killed:
        show_log(peer, log_file)
    return describe(peer, grid, read_records(records_file), ended, means.workers)


def describe(peer: str, grid: Grid, records: Sequence[Record], ended: Ended, workers: int) -> Run:
    """Turn a peer's records into numbers."""
    accuracies = {record.index: record.accuracy for record in records}
    steps = grid.steps(accuracies)
    notes = [*ending_notes(ended), *repeated_note(len(records) - len(accuracies))]
    missing = len(grid.points) - len(accuracies)
    if not records:
        return Run(peer, 0, 0, ended.wall, note="; ".join([unfinished(0, grid, ended), *notes]))
    first, last = min(record.started for record in records), max(record.ended for record in records)
    start, window = first - ended.launched, last - first
    other = workers * window - sum(record.seconds for record in records)
    projected = None
    if missing:
        worked = sum(record.ended - record.started for record in records)
        projected = start + worked / steps * grid.steps() / workers
        notes.insert(0, f"{unfinished(len(accuracies), grid, ended)}; whole grid ~{projected:.0f} s")
    return Run(
        peer=peer,
        trials=len(accuracies),
        steps=steps,
        wall=ended.wall,
        start=start,
        close=max(0.0, ended.wall - start - window),
        other_ms=1000 * other / len(records),
        best=max(accuracies.values()),
        projected=projected,
        note="; ".join(notes),
        accuracies=accuracies,
    )


def unfinished(trials: int, grid: Grid, ended: Ended) -> str:
    return f"not finished: {trials} of {len(grid.points)} trials after {ended.wall:.0f} s"


def ending_notes(ended: Ended) -> list[str]:
    """Say what went wrong at the end, if anything."""
    notes = ["had to be killed"] if ended.killed else []
    if ended.status and not ended.killed:
        notes.append(f"exit status {ended.status}")
    if ended.left_over and not ended.killed:
        notes.append(f"{ended.left_over} processes left over, ended here")
    return notes


def repeated_note(count: int) -> list[str]:
    """Say how many points were trained twice (Optuna documents it for several processes)."""
    return [f"{count} trained twice"] if count else []


def show_log(peer: str, log_file: Path) -> None:
    lines = log_file.read_text(errors="replace").splitlines()[-LOG_LINES:]
    print(f"{peer} failed; its last lines:", *lines, sep="\n  ", file=sys.stderr)


def run_gridsearch(grid: Grid, folder: Path, means: Means) -> Run | None:
    """Run `gridsearch launch` on its own job with these axes; say why where it cannot."""
    reason = why_not(grid, folder)
    if reason:
        print(f"gridsearch skipped: {reason}", file=sys.stderr)
        return None
    settings = [part for name, values in grid.axes.items() for part in ("--set", f"{name}={values}")]
    log_file = folder / "log.txt"
    with log_file.open("w") as log:
        folder_of_data = [] if grid.data == "digits" else ["--data-dir", grid.data]
        where = ["--inline"] if means.inline else ["--workers", str(means.workers)]
        options = [*where, "--device", means.device, *folder_of_data, *settings]
        ended = watch([*PROGRAM, "launch", str(grid.job), *options], folder, log, means.limit, interrupt=True)
    if ended.status:
        show_log("gridsearch", log_file)
    return describe_gridsearch(grid, completed_rows(grid, folder), ended)


def why_not(grid: Grid, folder: Path) -> str:
    """Return why gridsearch cannot take part, or nothing."""
    if grid.stride > 1:
        return "--stride leaves no whole product of axes; use --epochs or --axis"
    if not grid.job.exists():
        return f"{grid.job.name} is missing"
    command = [*PROGRAM, "launch", "--help"]
    answer = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, check=False)
    return "its command line does not run" if answer.returncode else ""


def completed_rows(grid: Grid, folder: Path) -> list[dict[str, Any]]:
    """Return the completed trials as `gridsearch top` prints them; none when it has nothing to say."""
    command = [*PROGRAM, "top", str(grid.job), "-n", "100000", "--bottom", "0", "--format", "json"]
    answer = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    try:
        content = json.loads(answer.stdout)
    except json.JSONDecodeError:
        return []
    return [row for row in content if row["state"] == "completed"]


def describe_gridsearch(grid: Grid, rows: Sequence[Mapping[str, Any]], ended: Ended) -> Run:
    """Turn gridsearch's finished trials into numbers; its start and close cannot be told from outside."""
    positions = {point: index for index, point in enumerate(grid.points)}
    points = [Point(**{name: row[name] for name in AXES}) for row in rows]
    done = [positions[point] for point in points if point in positions]
    steps = grid.steps(done)
    notes = ending_notes(ended)
    projected = None
    if len(done) < len(grid.points):
        projected = ended.wall * grid.steps() / steps if steps else None
        notes.insert(0, unfinished(len(done), grid, ended))
    return Run(
        peer="gridsearch",
        trials=len(done),
        steps=steps,
        wall=ended.wall,
        best=max((row["val_accuracy"] for row in rows), default=None),
        projected=projected,
        note="; ".join(notes),
    )
