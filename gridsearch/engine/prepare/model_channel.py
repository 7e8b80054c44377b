"""The channel to a process that a user's model is tried in: questions to it and answers from it, one JSON line each.

Nothing that the process says is trusted to be well-formed.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import IO, Any

from gridsearch.config.durations import duration_text
from gridsearch.engine.prepare import trying_process
from gridsearch.engine.prepare.model_questions import ModelEndedError
from gridsearch.engine.run.exit_causes import cause_of_exit
from gridsearch.errors import EngineError, StopNowError
from gridsearch.models.user_objects import USER_FOLDERS

#: How long one answer may take: importing the user's module, or building the model once and running it.
TRYING_SECONDS = 60.0
#: How long the process may take to start, and beyond the limit to end itself.
STARTING_SECONDS, GRACE_SECONDS = 300.0, 3.0
#: How long an answer may be, and how much of an account of an end is kept.
MOST_CHARACTERS, ACCOUNT_CHARACTERS = 16_000_000, 20_000
POLL_SECONDS = 0.1

#: The child's path is the parent's.
_CHILD = "gridsearch.engine.prepare.model_child"
_START = f"import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {_CHILD} import main; main()"
#: A process that nobody asks at the moment; it knows of no user's model.
_LEFT: list[ModelChannel] = []


class Limits:
    """How long a model may take to answer, and how to learn that nobody waits any more."""

    def __init__(self, seconds: float = TRYING_SECONDS, stopping: Callable[[], bool] = lambda: False) -> None:
        self.seconds, self.stopping = seconds, stopping


def open_channel() -> ModelChannel:
    """Return the channel to a process: the one that was left (`leave_channel`), or a new one."""
    child = _LEFT.pop() if _LEFT else None
    return child if child and not child.ended and child.path == _path() else ModelChannel()


def leave_channel(channel: ModelChannel) -> bool:
    """Leave a process to the next who opens one, as if nothing had been; say whether that can be."""
    if channel.forget():
        _LEFT[:] = [channel]
        return True
    return False


def _path() -> str:
    return json.dumps([folder for folder in sys.path if folder and folder not in USER_FOLDERS])


class ModelChannel:
    """One process, from its start to its end; it ends with this object at the latest."""

    def __init__(self) -> None:
        self.path = _path()
        self.asked = False
        self.account = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process = trying_process.start(
            _START, [self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.account
        )
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.ready = False
        assert self.process.stdout
        reader = threading.Thread(target=_read, args=(self.process.stdout, self.answers), daemon=True)
        reader.start()
        self._end = weakref.finalize(self, trying_process.end, self.process, self.account)

    def forget(self) -> bool:
        """Have the copy that answered make room for a fresh one; say whether that can be."""
        if sys.platform != "linux" or self.ended:
            return False
        if not self.asked:
            return True
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps({"question": "none"}).encode() + b"\n")
            self.process.stdin.flush()
            return True
        return False

    @property
    def ended(self) -> bool:
        """Whether there is no process any more."""
        return self.process.poll() is not None

    def end(self) -> None:
        """End the process now."""
        self._end()

    def answer(self, asked: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """Return what the process answers to a question; `ModelEndedError` where it does not."""
        if not self.ready:
            self._start(limits)
        assert self.process.stdin
        self.asked = True
        asked_at, begun = time.monotonic(), os.fstat(self.account.fileno()).st_size
        with contextlib.suppress(OSError):  # where it has ended, which shows below
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()
        while True:
            said = self._next(asked_at + limits.seconds + GRACE_SECONDS, limits)
            if said is None or "ended" in said:
                cause = _cause(said["ended"] if said else self.process.poll())
                if time.monotonic() - asked_at >= limits.seconds:
                    cause = f"did not finish within {duration_text(limits.seconds)}"
                account = self._account(begun)
                if said is None:
                    self.end()
                raise ModelEndedError(cause, account)
            if said.get("id") == asked["id"]:
                return said

    def _start(self, limits: Limits) -> None:
        said = self._next(time.monotonic() + STARTING_SECONDS, limits)
        if said != {"ready": True}:
            told = self._account(0).strip().splitlines()
            why = told[-1] if told else _cause(self.process.poll())
            raise EngineError(f"the process that tries models could not be started: {why}")
        self.ready = True

    def _next(self, deadline: float, limits: Limits) -> dict[str, Any] | None:
        """Return the next thing that the process says and that is an answer, None where it ends or says nothing."""
        while True:
            ended = self.process.poll() is not None
            try:
                line = self.answers.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if limits.stopping():
                    raise StopNowError from None
                if ended or time.monotonic() > deadline:
                    return None
                continue
            if not line:
                # What it has started may hold its stdout open, but not the other way round.
                self._wait(deadline)
                return None
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                return said

    def _wait(self, deadline: float) -> None:
        try:
            self.process.wait(max(0.0, min(GRACE_SECONDS, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _account(self, begun: int) -> str:
        """Return where the process was when it ended, as far as it could still say."""
        return os.pread(self.account.fileno(), ACCOUNT_CHARACTERS, begun).decode(errors="replace")


def _cause(code: Any) -> str:
    if not isinstance(code, int):
        return "closed the channel of the process that it was tried in"
    return cause_of_exit(code)


def _read(stream: IO[bytes], answers: queue.Queue[bytes]) -> None:
    """Put the lines of a stream into a queue, and an empty one at its end or where a line has none."""
    with stream:
        while (line := stream.readline(MOST_CHARACTERS)).endswith(b"\n"):
            answers.put(line)
    answers.put(b"")
