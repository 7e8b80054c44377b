"""A command's process as a worker sees it: started by the guard (`guard.py`), waited for, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gridsearch.errors import TrialError
from gridsearch.training.own import guard

#: How often it is asked whether to stop while a command cannot start yet.
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Start:
    """What to run: arguments, the folder to run in, the whole environment, the log, and a file to lock meanwhile."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    log: Path
    lock: Path


def search_path() -> str:
    """Return where programs are looked for: PATH, and last the folder of this Python."""
    return os.pathsep.join([*filter(None, [os.environ.get("PATH", os.defpath)]), str(Path(sys.executable).parent)])


class CommandRunner:
    """Runs one command at a time, by a guard that is kept from command to command."""

    def __init__(self) -> None:
        self._guard: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self._number = 0
        self._pid: int | None = None

    def start(self, start: Start, stop: Callable[[], bool] = lambda: False) -> bool:
        """Start a command, once whatever an earlier worker left of the same trial has ended.

        Returns:
            Whether it runs; not where a `stop` was wanted before.

        Raises:
            TrialError: There is no such program, or it may not be run.
        """
        self._number, self._pid = self._number + 1, None
        asked = {
            "argv": list(start.arguments), "cwd": str(start.folder), "env": dict(start.environment),
            "log": str(start.log), "lock": str(start.lock), "number": self._number,
        }  # fmt: skip
        self._say(asked)
        while (answer := self._answer(_LOOK_SECONDS)) is None:
            if stop():
                self.end()
                return False
        if "error" in answer:
            raise TrialError(f"{start.arguments[0]!r} cannot be started: {os.strerror(answer['error'])}")
        self._pid = answer.get("pid")
        return self._pid is not None

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, -N for signal N, once the command and all it started has ended; None before.

        Raises:
            TrialError: Its guard was killed, and so it was, too.
        """
        answer = self._answer(seconds)
        return None if answer is None else answer["code"]

    def end(self) -> int:
        """Ask the command to end, which is killed if it does not soon; return its exit code."""
        self._say({"end": True})
        while (answer := self._answer(None)) is None or "code" not in answer:
            pass
        return answer["code"]

    def leave(self) -> None:
        """Have no guard any more; what runs is ended by it without anybody waiting for it."""
        if self._guard:
            self._leave()
            self._guard = None

    def _say(self, words: Mapping[str, object]) -> None:
        if self._guard is None:
            self._guard, self._heard = _new_guard(), b""
            self._leave = weakref.finalize(self, _leave, self._guard)
        assert self._guard.stdin
        try:
            self._guard.stdin.write(json.dumps(words).encode() + b"\n")
            self._guard.stdin.flush()
        except (OSError, ValueError):
            self._lost()

    def _answer(self, seconds: float | None) -> dict[str, int] | None:
        """Return the next answer within some time; None where there is none yet."""
        assert self._guard and self._guard.stdout
        stream = self._guard.stdout.fileno()
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._heard:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([stream], [], [], left)[0]:
                return None
            said = os.read(stream, 4096)
            if not said:
                self._lost()
            self._heard += said
        line, _, self._heard = self._heard.partition(b"\n")
        found: dict[str, int] = json.loads(line)
        return found if found["number"] == self._number else None

    def _lost(self) -> NoReturn:
        """Kill what the guard can no more, and say so; its own child the kernel has killed."""
        self.leave()
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        raise TrialError("the process that runs the commands of trials was killed, and the command with it")


def _leave(guard: subprocess.Popen[bytes]) -> None:
    """Let a guard know that nobody is here any more."""
    for stream in (guard.stdin, guard.stdout):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


def _new_guard() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
    )  # fmt: skip
    process.wait()  # it has left for a process of its own
    return process
