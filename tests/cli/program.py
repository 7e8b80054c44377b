"""Running the command line as a user does: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.small_job import JOB as JOB


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GRIDSEARCH_")}
    return kept | {"PYTHONWARNINGS": "default"} | more


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gridsearch", *map(str, arguments)]


def run(folder: Path, *arguments: str | Path, **more: str) -> Ended:
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def refused(ended: Ended, *fragments: str, code: int = 2) -> None:
    """Assert that a command ended with one clear line and the right exit code."""
    assert (ended.code, ended.out) == (code, ""), ended
    assert "Traceback" not in ended.err
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("gridsearch: ")
    for fragment in fragments:
        assert fragment in lines[0], lines[0]
