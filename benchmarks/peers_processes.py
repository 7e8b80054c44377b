"""Running a peer as a process of its own: with a limit, and to the last process it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

GRACE = 60.0  # seconds a peer has to close after its time is over


@dataclass(frozen=True)
class Ended:
    """How a peer's process ended."""

    launched: float
    wall: float
    status: int
    killed: bool
    left_over: int


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
