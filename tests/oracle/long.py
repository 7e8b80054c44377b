"""The long form of the oracle: as many drawn jobs as one likes, each packed and alone, against torch alone.

    .venv/bin/python -m tests.oracle.long --examples 500 --seed 1 [--device cuda]

Prints each job with how far its numbers are from the plain ones, and at the end, with exit code 1, what was too far.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.oracle.drawn import apart, jobs
from tests.oracle.where import VARIABLE

#: By metric: of losses relative; of accuracies one image of 150; rates are exact.
LIMITS = {
    "train_loss": 1e-5,
    "val_loss": 1e-5,
    "train_accuracy": 1.01 / 150,
    "val_accuracy": 1.01 / 150,
    "learning_rate": 1e-12,
}


def main() -> int:
    """Try as many jobs as asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Hold drawn jobs against trainings with torch alone.")
    parser.add_argument("--examples", type=int, default=200, help="jobs to draw")
    parser.add_argument("--seed", type=int, default=0, help="draws other jobs")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after so long")
    parser.add_argument("--device", default="cpu", help="where both sides are trained: cpu or cuda")
    asked = parser.parse_args()
    os.environ[VARIABLE] = asked.device
    torch.set_num_threads(1)
    until = time.monotonic() + 60 * asked.minutes
    bad: list[str] = []
    done = 0

    # Nothing is shrunk: what is too far is told, and the next is tried.
    @seed(asked.seed)
    @settings(
        max_examples=asked.examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(job=jobs())
    def hold(job: dict[str, Any]) -> None:
        nonlocal done
        if time.monotonic() > until:
            return
        with tempfile.TemporaryDirectory() as folder:
            try:
                worst = apart(job, Path(folder))
            except Exception as error:
                worst = {f"{type(error).__name__}: {error}": float("inf")}
        done += 1
        line = f"{json.dumps(worst)} {json.dumps(job)}"
        if any(much > LIMITS.get(metric, 0.0) for metric, much in worst.items()):
            bad.append(line)
        print(line, flush=True)

    hold()
    print(f"\n{done} jobs, {len(bad)} of them otherwise than with torch alone", *bad, sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
