"""Commands in processes of their own that have no imports to wait for: copies of one that has made them."""

from __future__ import annotations

import atexit
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
from typing import IO, Any

from tests.warm.server import ANSWER

SERVER = Path(__file__).with_name("server.py")
#: Where the process is asked that copies itself; its copies ask it too.
_address: list[bytes] = []


def ask_at(address: bytes) -> None:
    """Ask a process that copies itself which listens there."""
    _address[:] = [address]


def _server() -> socket.socket:
    """Return a connection to the process that copies itself, which is started at the first and ended with this one."""
    if not _address:
        listening = socket.socket(socket.AF_UNIX)
        ask_at(f"\0gridsearch-warm-{os.getpid()}".encode())
        listening.bind(_address[0])
        listening.listen(128)
        process = subprocess.Popen(
            [sys.executable, SERVER, str(listening.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
            start_new_session=True,
            cwd="/",
        )
        listening.close()
        ours = os.getpid()

        def end() -> None:
            if os.getpid() == ours:
                process.kill()
                process.wait()

        atexit.register(end)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_address[0])
    return connection


class Warm:
    """A command that runs, as a `subprocess.Popen` is one; its arguments are those of Python: `-m` or `-c`, or `-P -c`.

    Streams are numbers, files, or `subprocess.PIPE`, whose ends are files of text, or of bytes.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int | IO[Any] = subprocess.DEVNULL,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any] = subprocess.PIPE,
        start_new_session: bool = False,
        text: bool = True,
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self.stdin: IO[Any] | None = None
        self.stdout: IO[Any] | None = None
        self.stderr: IO[Any] | None = None
        given, closing = [], []
        for name, what in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            number = what if isinstance(what, int) else what.fileno()
            if number == subprocess.PIPE:
                ends = os.pipe()
                number, ours = ends if name == "stdin" else ends[::-1]
                mode = "w" if name == "stdin" else "r"
                setattr(
                    self, name, os.fdopen(ours, mode) if text else os.fdopen(ours, mode + "b", 0 if mode == "w" else -1)
                )
                closing.append(number)
            elif number == subprocess.DEVNULL:
                number = os.open(os.devnull, os.O_RDWR)
                closing.append(number)
            given.append(number)
        self._answers, answering = os.pipe()
        closing.append(answering)
        wanted = {"arguments": self.args, "folder": str(cwd), "environment": dict(env), "session": start_new_session}
        with tempfile.TemporaryFile("w+") as question:
            json.dump(wanted, question)
            question.flush()
            question.seek(0)
            with _server() as asking:
                socket.send_fds(asking, [b"?"], [question.fileno(), *given, answering])
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


def trying_processes() -> None:
    """Have processes that code of the user's is tried in be copies, too."""
    from gridsearch.engine.prepare import trying_process

    def start(program: str, arguments: Sequence[str], **streams: Any) -> Warm:
        command, folder = ["-P", "-c", program, *arguments], Path.cwd()
        return Warm(command, cwd=folder, env=os.environ, start_new_session=True, text=False, **streams)

    trying_process.start = start  # type: ignore[assignment]
