"""How long it takes until something is trained: at first, on a store that has seen the like, and with no work left.

    python benchmarks/starts.py [--repeat 3] [--json]

Each round begins in an empty folder with empty caches and runs the command line as a user does, on digits, with Ray
and with `--inline`: `cold`, the first launch; `warm`, a launch of other points on the same store; `again`, the same
once more, which has nothing to train. Seconds from the command to its plan, to the first recorded epoch, and to the
end of the process with its page. Then a compiled stack of four small CNNs is made and trained for one epoch, in a
process of its own, with an empty cache on disk (`cold`) and with the filled one (`warm`); its imports do not count.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from peers import import_once
from peers_processes import environment, scratch
from peers_table import machine, machine_text

HERE = Path(__file__).parent
JOB = HERE.parent / "jobs" / "quickstart.yaml"
GRID = ("epochs=[1]", "batch_size=[64,128]")
OTHERS = "learning_rate=[0.05,0.005]"
RATES = {"cold": "learning_rate=[0.1,0.01]", "warm": OTHERS, "again": OTHERS}

POLL = 0.02
COMPILE = """
import time
from types import SimpleNamespace
import strategies
from gridsearch.training.strategies.compiled import Compiled
from gridsearch.training.loop.epochs import train_epoch
from gridsearch.training.loop.member import Member
options = SimpleNamespace(device="cpu", dataset="digits", data_dir=None)
context = strategies.worker_context(options)
members = [Member(strategies.task("cnn+norm+dropout", 16, number), context) for number in range(4)]
began = time.perf_counter()
strategy = Compiled(members)
strategy.start_epoch([[0.01]] * 4)
train_epoch(strategy, context, 1)
print(time.perf_counter() - began)
"""


def main() -> None:
    """Measure all starts and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    facts = machine()
    with scratch() as base:
        import_once(base)
        for number in range(options.repeat):
            for executor in ("ray", "inline"):
                folder = base / f"{number}{executor}"
                folder.mkdir()
                for start, rates in RATES.items():
                    found[executor, start].append(launched(folder, executor, rates))
            cache = base / f"{number}cache"
            for start in ("cold", "warm"):
                found["compile", start].append({"whole": compiled(base, cache)})
            print(f"round {number + 1} of {options.repeat} done", file=sys.stderr)
            shutil.rmtree(cache, ignore_errors=True)
    rows = [row(executor, start, runs) for (executor, start), runs in found.items()]
    if options.json:
        print(json.dumps({"machine": facts, "starts": rows}, indent=2))
    else:
        print(f"seconds, medians of {options.repeat}; {machine_text(facts)}", text(rows), sep="\n")


def launched(folder: Path, executor: str, rates: str) -> dict[str, float]:
    """Launch in a folder; return seconds to the plan, to the first epoch (if any is trained) and to the end."""
    settings = [part for change in (*GRID, rates) for part in ("--set", change)]
    command = [sys.executable, "-m", "gridsearch", "launch", str(JOB), *settings]
    command += ["--inline"] if executor == "inline" else []
    variables = environment(folder) | {"XDG_CACHE_HOME": str(folder / "cache")}
    before = epochs(folder)
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said = process.stderr.readline()
    times = {"plan": time.perf_counter() - began}
    while process.poll() is None:
        if "epoch" not in times and epochs(folder) > before:
            times["epoch"] = time.perf_counter() - began
        time.sleep(POLL)
    if process.returncode:
        told = (said + process.stderr.read()).decode()
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{told}")
    return times | {"whole": time.perf_counter() - began}


def epochs(folder: Path) -> int:
    """Return how many trained epochs the store has."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'results.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM epochs WHERE epoch > 0").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def compiled(base: Path, cache: Path) -> float:
    """Return the seconds in which a compiled stack is made and trained for an epoch, with this cache on disk."""
    variables: Mapping[str, str] = environment(base / "compile") | {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", COMPILE]
    ended = subprocess.run(command, cwd=HERE, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    return float(ended.stdout)


def row(executor: str, start: str, runs: list[dict[str, float]]) -> dict[str, object]:
    """Return the medians of some runs, and the range of the whole."""
    keys = [key for key in ("plan", "epoch", "whole") if all(key in run for run in runs)]
    wholes = [run["whole"] for run in runs]
    medians = {key: round(statistics.median(run[key] for run in runs), 1) for key in keys}
    return {"what": executor, "start": start, **medians, "range": [round(min(wholes), 1), round(max(wholes), 1)]}


def text(rows: list[dict[str, object]]) -> str:
    """Return the rows as an aligned table."""
    columns = ("what", "start", "plan", "epoch", "whole", "range")
    cells = [columns, *([str(one.get(name, "")) for name in columns] for one in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
