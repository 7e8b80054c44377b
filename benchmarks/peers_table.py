"""The runs of all peers and rounds as a table: medians, ratios within each round, and the machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from peers_run import Grid, Run

PACKAGES = ("torch", "ray", "optuna", "scikit-learn")
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
        **{package: version_of(package) for package in PACKAGES},
    }


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


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
    steps = grid.steps()
    return (
        f"{len(grid.points)} points, {steps:,} optimiser steps; {workers} workers of one thread\n{machine_text(facts)}"
    )


def machine_text(facts: Mapping[str, Any]) -> str:
    """Return what `machine` found as one line."""
    parts = [f"{name} {facts[name]}" for name in ("python", *PACKAGES)]
    load = "" if facts["load_before"] is None else f", load {facts['load_before']:.1f} before"
    return f"{facts['cpu']}, {facts['cores']} cores{load}; {', '.join(parts)}"
