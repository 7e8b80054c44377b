"""What a trial costs that trains nothing: a function that returns one number, and a command that says one; through Ray
and in this process.

    python benchmarks/own_training.py [--trials 400] [--workers 1]

Each launch is the command line's, in an empty folder. Its overhead per trial is the time from the first trial's end to
the last one's, as the store has it, by the number of trials between: starting Python and Ray is not in it
(benchmarks/starts.py), nor the page.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

from peers_processes import environment, scratch
from peers_table import machine, machine_text

#: What trains, and the lines of the job that say so.
KINDS = {
    "function": "train: returns_at_once:train\n",
    "command": "command: sh -c 'echo acc=1'\nmetrics_from: {stdout: 'acc=(?P<val_acc>.*)'}\n",
}
JOB = "name: own\n{kind}space: {{x: {{range: [1, {trials}]}}}}\nobjective: {{metric: val_acc}}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    print(machine_text(machine()))
    for kind, lines in KINDS.items():
        for how, options in {"inline": ["--inline"], "Ray": ["--workers", str(asked.workers)]}.items():
            print(f"{kind}, {how}: {1000 * per_trial(lines, asked.trials, options):.1f} ms a trial", flush=True)


def per_trial(kind: str, trials: int, options: list[str]) -> float:
    """Return the seconds from the end of one trial to the end of the next, the mean over a launch."""
    with scratch() as folder:
        (folder / "returns_at_once.py").write_text("def train(trial):\n    return {'val_acc': trial['x']}\n")
        (folder / "own.yaml").write_text(JOB.format(kind=kind, trials=trials))
        command = [sys.executable, "-m", "gridsearch", "launch", "own.yaml", "--no-dashboard", *options]
        subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
        return _between(folder / "results.db")


def _between(store: Path) -> float:
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT at FROM events WHERE kind = 'completed'").fetchall()
    ends = sorted(datetime.fromisoformat(at) for (at,) in rows)
    after = [end for end in ends if end > ends[0]]  # those recorded with the first ended before it was
    return (after[-1] - ends[0]).total_seconds() / len(after)


if __name__ == "__main__":
    main()
