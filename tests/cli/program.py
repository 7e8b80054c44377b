"""Running the command line as a user does: a process of its own, in a folder of its own.

`run` and `start` copy a process that has made the imports already (`tests.warm`), which takes tenths of seconds instead
of seconds. What is about how a process comes up, with its encodings, streams or imports, starts `command` anew.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.small_job import JOB as JOB
from tests.warm.processes import Warm


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


def start(folder: Path, *arguments: str | Path, **streams: Any) -> Warm:
    """Start the command line; the streams are as for `Warm`."""
    return Warm(["-m", "gridsearch", *map(str, arguments)], cwd=folder, env=environment(), **streams)


def run(folder: Path, *arguments: str | Path, **more: str) -> Ended:
    """Run the command line to its end, with more variables in its environment."""
    return ended(Warm(["-m", "gridsearch", *map(str, arguments)], cwd=folder, env=environment(**more)))


def run_program(folder: Path, program: str, *arguments: str) -> Ended:
    """Run a program of Python's to its end, which may alter the command line before it runs it."""
    return ended(Warm(["-c", program, *arguments], cwd=folder, env=environment()))


def ended(process: Warm) -> Ended:
    out, err = process.communicate(timeout=300)
    return Ended(process.wait(), out, err)


def refused(ended: Ended, *fragments: str, code: int = 2) -> None:
    """Assert that a command ended with one clear line and the right exit code."""
    assert (ended.code, ended.out) == (code, ""), ended
    assert "Traceback" not in ended.err
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("gridsearch: ")
    for fragment in fragments:
        assert fragment in lines[0], lines[0]
