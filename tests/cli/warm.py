"""Commands in processes of their own that have no imports to wait for: copies of one that has made them."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.cli.warm_server import ANSWER

SERVER = Path(__file__).with_name("warm_server.py")


@functools.cache
def _server() -> socket.socket:
    """Return where to ask the process that copies itself, started at the first question and ended with this one."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, SERVER, str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
        cwd="/",
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


class Warm:
    """A command that runs, as a `subprocess.Popen` of text is one; its arguments are those of Python, `-m` or `-c`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        start_new_session: bool = False,
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        given, closing = [], []
        for name, what in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            if what == subprocess.PIPE:
                reading, what = os.pipe()
                setattr(self, name, os.fdopen(reading))
                closing.append(what)
            elif what == subprocess.DEVNULL:
                what = os.open(os.devnull, os.O_RDWR)
                closing.append(what)
            given.append(what)
        self._answers, answering = os.pipe()
        closing.append(answering)
        wanted = {"arguments": self.args, "folder": str(cwd), "environment": dict(env), "session": start_new_session}
        with tempfile.TemporaryFile("w+") as question:
            json.dump(wanted, question)
            question.flush()
            question.seek(0)
            socket.send_fds(_server(), [b"?"], [question.fileno(), *given, answering])
        for descriptor in closing:
            os.close(descriptor)
        self.pid = self._answer(None)

    def _answer(self, seconds: float | None) -> int:
        """Return the next number that the server tells of this command."""
        if not select.select([self._answers], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(self.args, seconds or 0.0)
        told = os.read(self._answers, ANSWER.size)
        assert told, "the process that copies itself has ended; what it said is on stderr"
        return int(ANSWER.unpack(told)[0])

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._answer(timeout)
            os.close(self._answers)
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return all that it wrote, once nobody can write to its streams any more and it has ended."""
        until = None if timeout is None else time.monotonic() + timeout
        written: dict[IO[str], str] = {}
        reading = [
            threading.Thread(target=lambda stream=stream: written.update({stream: stream.read()}), daemon=True)
            for stream in (self.stdout, self.stderr)
            if stream
        ]
        for thread in reading:
            thread.start()
        for thread in reading:
            thread.join(until and until - time.monotonic())
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        self.wait(until and max(0.0, until - time.monotonic()))
        for stream in written:
            stream.close()
        return tuple(written[stream] if stream else "" for stream in (self.stdout, self.stderr))
