"""The same grid on a good plain loop, Optuna, Ray Tune and gridsearch, measured in one run on this machine.

384 trials of a 64 -> n -> ReLU -> 10 network on scikit-learn's digits (1,294 training images, plain SGD),
every epoch evaluated on both splits. All but gridsearch call the same `train` (`peers_train.py`) in as many
one-thread processes as `--workers` says, so only the orchestration differs; `peers_loop.py`,
`peers_optuna.py` and `peers_ray.py` are written the way a competent user of each tool would. gridsearch
runs its own command line on `jobs/quickstart.yaml`, in an empty folder with a fresh store.

    python benchmarks/peers.py                                    # everything, 384 trials a peer
    python benchmarks/peers.py --repeat 3 --json > peers.json     # with the spread, for a report
    python benchmarks/peers.py --epochs 1,2 --stride 8            # does it work? (24 trials a peer)
    python benchmarks/peers.py --peers loop,gridsearch --axis neurons=10,50 --limit 300

Times are of whole processes, interpreter and imports included: `wall` is from launching a peer to the end
of its process, `start` to its first trial, `close` from the end of its last one. `other ms` is what a trial
costs a worker beside the training itself: reports, hand-over, waiting. `x loop` is the loop's wall time
over the peer's, `x train` the same without start and close. A peer past `--limit` is stopped and its ratio
projected from the steps it did.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import IO, Annotated, Any

import psutil
import typer
from peers_train import Point, Record, Task, read_records, write_task

PEERS = ("loop", "optuna", "ray", "gridsearch")
AXES: dict[str, list[float]] = {
    "batch_size": [4, 8, 16, 32, 64, 128],
    "epochs": [10, 20, 50, 100],
    "learning_rate": [0.1, 0.01, 0.001, 0.0001],
    "neurons": [10, 25, 50, 100],
}
QUICKSTART = Path(__file__).resolve().parent.parent / "jobs" / "quickstart.yaml"
IMPORTS = "import optuna, ray.tune, sklearn.model_selection, torch, torch._dynamo"
PACKAGES = ("torch", "ray", "optuna", "scikit-learn")
GRACE = 60.0  # seconds a peer has to close after its time is over
LOG_LINES = 15  # of a peer that failed


@dataclass(frozen=True)
class Grid:
    """The points every peer trains; `axes` is empty when `stride` took some of the product away."""

    axes: dict[str, list[float]]
    points: tuple[Point, ...]
    stride: int


@dataclass(frozen=True)
class Ended:
    """How a peer's process ended."""

    launched: float
    wall: float
    status: int
    killed: bool
    left_over: int


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


def build_grid(axes: dict[str, list[float]], stride: int) -> Grid:
    """Return every `stride`-th point of the product of the axes."""
    product = itertools.product(*axes.values())
    points = tuple(Point(**dict(zip(axes, values, strict=True))) for values in product)  # type: ignore[arg-type]
    return Grid({} if stride > 1 else axes, points[::stride], stride)


# --- processes ------------------------------------------------------------------------------------


def watch(command: Sequence[str], folder: Path, log: IO[str], limit: float, *, interrupt: bool) -> Ended:
    """Run a peer to its end; stop it, and all it started, if it does not stop by itself at the limit."""
    launched, began = time.time(), time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=log, stderr=log, start_new_session=True
    )
    try:
        in_time = ends_within(process, limit)
        if not in_time and interrupt:
            process.send_signal(signal.SIGINT)
        in_time = in_time or ends_within(process, GRACE)
    finally:
        wall = time.perf_counter() - began
        left_over = stop_session(process.pid, patience=0.0 if process.poll() is None else 5.0)
    return Ended(launched, wall, process.wait(), not in_time, left_over)


def ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def stop_session(leader: int, patience: float) -> int:
    """Wait for a peer's processes to end by themselves, then end them; return how many had to be.

    They are found by the session the peer was started in, so also those whose parents are gone.
    """
    _, alive = psutil.wait_procs(_session(leader), timeout=patience)
    for process in alive:
        _send(process, signal.SIGTERM)
    psutil.wait_procs(alive, timeout=3.0)
    while stubborn := _session(leader):
        for process in stubborn:
            _send(process, signal.SIGKILL)
        psutil.wait_procs(stubborn, timeout=3.0)
    return len(alive)


def _session(leader: int) -> list[psutil.Process]:
    return [each for each in psutil.process_iter() if _session_of(each.pid) == leader and _lives(each)]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, signal_number: int) -> None:
    try:
        process.send_signal(signal_number)
    except psutil.NoSuchProcess:
        return


def environment(folder: Path) -> dict[str, str]:
    """Return a peer's environment: bytecode is cached, as usual, even where this shell forbids it."""
    variables = {**os.environ, "PYTHONUNBUFFERED": "1"}
    variables.pop("GRIDSEARCH_STORE", None)
    if variables.pop("PYTHONDONTWRITEBYTECODE", None):
        variables.setdefault("PYTHONPYCACHEPREFIX", str(folder.parent / "bytecode"))
    return variables


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder with a short name, and remove it at the end, a polite kill included."""
    before = signal.signal(signal.SIGTERM, _terminate)
    folder = Path(tempfile.mkdtemp(prefix="peers"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


# --- one peer, one round --------------------------------------------------------------------------


def run_script(peer: str, grid: Grid, folder: Path, workers: int, report_every: int, limit: float) -> Run:
    """Run the loop, Optuna or Ray Tune once."""
    records_file, log_file = folder / "records.json", folder / "log.txt"
    deadline = time.time() + limit
    task = Task(grid.points, grid.axes, workers, report_every, deadline, folder)
    write_task(task, folder / "task.json")
    script = Path(__file__).with_name(f"peers_{peer}.py")
    command = [sys.executable, str(script), str(folder / "task.json"), str(records_file)]
    with log_file.open("w") as log:
        ended = watch(command, folder, log, limit, interrupt=False)
    if ended.status and not ended.killed:
        show_log(peer, log_file)
    return describe(peer, grid, read_records(records_file), ended, workers)


def describe(peer: str, grid: Grid, records: Sequence[Record], ended: Ended, workers: int) -> Run:
    """Turn a peer's records into numbers."""
    accuracies = {record.index: record.accuracy for record in records}
    steps = sum(grid.points[index].steps for index in accuracies)
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
        projected = start + worked / steps * sum(point.steps for point in grid.points) / workers
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


# --- gridsearch -----------------------------------------------------------------------------------


def run_gridsearch(grid: Grid, folder: Path, workers: int, limit: float) -> Run | None:
    """Run `gridsearch launch` on the quickstart job with these axes; say why where it cannot."""
    program = Path(sys.executable).with_name("gridsearch")
    reason = why_not(program, grid, folder)
    if reason:
        print(f"gridsearch skipped: {reason}", file=sys.stderr)
        return None
    settings = [part for name, values in grid.axes.items() for part in ("--set", f"{name}={values}")]
    log_file = folder / "log.txt"
    with log_file.open("w") as log:
        command = [str(program), "launch", str(QUICKSTART), "--workers", str(workers), *settings]
        ended = watch(command, folder, log, limit, interrupt=True)
    if ended.status:
        show_log("gridsearch", log_file)
    return describe_gridsearch(grid, completed_rows(program, folder), ended)


def why_not(program: Path, grid: Grid, folder: Path) -> str:
    """Return why gridsearch cannot take part, or nothing."""
    if grid.stride > 1:
        return "--stride leaves no whole product of axes; use --epochs or --axis"
    if not QUICKSTART.exists():
        return "jobs/quickstart.yaml is missing"
    if not program.exists():
        return "its command is not installed"
    command = [str(program), "launch", "--help"]
    answer = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, check=False)
    return "its command line does not run" if answer.returncode else ""


def completed_rows(program: Path, folder: Path) -> list[dict[str, Any]]:
    """Return the completed trials as `gridsearch top` prints them; none when it has nothing to say."""
    command = [str(program), "top", str(QUICKSTART), "-n", "100000", "--bottom", "0", "--format", "json"]
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
    steps = sum(grid.points[index].steps for index in done)
    notes = ending_notes(ended)
    projected = None
    if len(done) < len(grid.points):
        projected = ended.wall * sum(point.steps for point in grid.points) / steps if steps else None
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


# --- all of them ----------------------------------------------------------------------------------


def run_round(peers: Sequence[str], grid: Grid, base: Path, workers: int, report_every: int, limit: float) -> list[Run]:
    """Run every peer once, one after the other."""
    runs: list[Run] = []
    for peer in peers:
        folder = Path(tempfile.mkdtemp(prefix="", dir=base))
        print(f"{peer} ...", file=sys.stderr, flush=True)
        if peer == "gridsearch":
            run = run_gridsearch(grid, folder, workers, limit)
        else:
            run = run_script(peer, grid, folder, workers, report_every, limit)
        if run is not None:
            runs.append(compared(run, runs))
            print(f"{peer}: {run.trials} trials in {run.wall:.1f} s  {run.note}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return runs


def compared(run: Run, others: Sequence[Run]) -> Run:
    """Add how far the accuracies lie, at most, from those of the first peer of this round."""
    if not others:
        return run
    shared = run.accuracies.keys() & others[0].accuracies.keys()
    gaps = [abs(run.accuracies[index] - others[0].accuracies[index]) for index in shared]
    return Run(**{**vars(run), "disagreement": max(gaps, default=None)})


def import_once(base: Path) -> None:
    """Import everything once, so that no peer pays for a cold disk or for missing bytecode."""
    (base / "first").mkdir()
    command = [sys.executable, "-c", IMPORTS]
    subprocess.run(command, env=environment(base / "first"), check=False, capture_output=True)


def summary(peer: str, rounds: Sequence[Sequence[Run]]) -> dict[str, Any]:
    """Return the medians over the rounds of one peer, and ratios formed within each round."""
    runs = [run for runs in rounds for run in runs if run.peer == peer]
    pairs = [pair for each in rounds for pair in beside_loop(peer, each)]
    walls = [run.full_wall for run in runs]
    overall = [loop.full_wall / run.full_wall for loop, run in pairs]
    training = [loop.training / run.training for loop, run in pairs if run.start is not None]
    return {
        "peer": peer,
        "n": len(runs),
        "trials": min(run.trials for run in runs),
        "wall": statistics.median(run.wall for run in runs),
        "start": median(run.start for run in runs),
        "close": median(run.close for run in runs),
        "trials_per_s": statistics.median(run.trials / run.wall for run in runs),
        "steps_per_s": statistics.median(run.steps / run.wall for run in runs),
        "other_ms": median(run.other_ms for run in runs),
        "x_loop": median(overall),
        "x_loop_range": [min(overall), max(overall)] if overall else None,
        "x_train": median(training),
        "spread": (max(walls) - min(walls)) / statistics.median(walls),
        "best": max((run.best for run in runs if run.best is not None), default=None),
        "disagreement": max((run.disagreement for run in runs if run.disagreement is not None), default=None),
        "projected": any(run.projected is not None for run in runs),
        "notes": sorted({run.note for run in runs if run.note}),
    }


def beside_loop(peer: str, runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Return the loop's run and the peer's, if both got somewhere in this round."""
    by_name = {run.peer: run for run in runs if run.trials}
    return [(by_name["loop"], by_name[peer])] if {"loop", peer} <= by_name.keys() else []


def median(values: Iterator[float | None] | Sequence[float]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


# --- what is printed ------------------------------------------------------------------------------

COLUMNS: dict[str, tuple[str, str]] = {
    "peer": ("peer", ""),
    "n": ("n", "d"),
    "trials": ("trials", "d"),
    "wall": ("wall s", ".1f"),
    "start": ("start s", ".1f"),
    "close": ("close s", ".1f"),
    "trials_per_s": ("trials/s", ".2f"),
    "steps_per_s": ("steps/s", ",.0f"),
    "other_ms": ("other ms", ".1f"),
    "x_loop": ("x loop", ".2f"),
    "x_train": ("x train", ".2f"),
    "spread": ("spread", ".0%"),
    "best": ("best val", ".4f"),
    "disagreement": ("differs", ".4f"),
}


def table(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return the summaries as an aligned table, notes below."""
    rows = [[title for title, _ in COLUMNS.values()]]
    rows += [[cell(entry, name, form) for name, (_, form) in COLUMNS.items()] for entry in summaries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    notes = [f"{entry['peer']}: {note}" for entry in summaries for note in entry["notes"]]
    return "\n".join([*lines, *notes])


def cell(entry: Mapping[str, Any], name: str, form: str) -> str:
    value = entry[name]
    if value is None:
        return "-"
    mark = "~" if entry["projected"] and name in ("x_loop", "x_train") else ""
    return mark + format(value, form)


def heading(grid: Grid, facts: Mapping[str, Any], workers: int) -> str:
    steps = sum(point.steps for point in grid.points)
    parts = [f"{name} {facts[name]}" for name in ("python", *PACKAGES)]
    load = "" if facts["load_before"] is None else f", load {facts['load_before']:.1f} before"
    return (
        f"{len(grid.points)} points, {steps:,} optimiser steps; {workers} workers of one thread\n"
        f"{facts['cpu']}, {facts['cores']} cores{load}; {', '.join(parts)}"
    )


# --- the command ----------------------------------------------------------------------------------


def numbers(text: str) -> list[float]:
    """Return the numbers in a comma-separated list, whole ones as integers."""
    return [int(part) if part.strip().isdigit() else float(part) for part in text.split(",")]


def chosen_axes(epochs: str, axes: Sequence[str]) -> dict[str, list[float]]:
    """Return the grid's axes, some of them with other values."""
    chosen = {**AXES, "epochs": numbers(epochs)}
    for text in axes:
        name, _, values = text.partition("=")
        if name not in AXES or not values:
            raise typer.BadParameter(f"{text!r}: write name=value,value with a name of {', '.join(AXES)}")
        chosen[name] = numbers(values)
    return chosen


def chosen_peers(text: str) -> list[str]:
    peers = text.split(",")
    if unknown := set(peers) - set(PEERS):
        raise typer.BadParameter(f"unknown peer {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    return peers


def main(
    peers: Annotated[str, typer.Option(help="Who takes part, in this order.")] = ",".join(PEERS),
    epochs: Annotated[str, typer.Option(help="Values of the epochs axis.")] = "10,20,50,100",
    axis: Annotated[list[str] | None, typer.Option(help="Other values of an axis: name=value,value.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Take every k-th point of the grid.")] = 1,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds; a round runs every peer once.")] = 1,
    report_every: Annotated[int, typer.Option(min=1, help="Epochs between two reports.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes a peer uses; 0: one a core.")] = 0,
    limit: Annotated[float, typer.Option(min=1.0, help="Seconds a peer may take.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the same grid on several tools."""
    order, grid, facts = chosen_peers(peers), build_grid(chosen_axes(epochs, axis or []), stride), machine()
    workers = workers or int(facts["cores"])
    with scratch() as base:
        import_once(base)
        rounds = [run_round(order, grid, base, workers, report_every, limit) for _ in range(repeat)]
    present = [peer for peer in order if any(run.peer == peer for runs in rounds for run in runs)]
    summaries = [summary(peer, rounds) for peer in present]
    if as_json:
        settings = {
            "points": len(grid.points),
            "axes": grid.axes,
            "workers": workers,
            "report_every": report_every,
        }
        details = [[{**asdict(run), "accuracies": None} for run in runs] for runs in rounds]
        print(json.dumps({"machine": facts, **settings, "peers": summaries, "rounds": details}, indent=1))
    else:
        print(f"{heading(grid, facts, workers)}\n\n{table(summaries)}")


if __name__ == "__main__":
    typer.run(main)
