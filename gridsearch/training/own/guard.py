"""Runs a worker's commands, each in a process group of its own, and leaves nothing of them: run as a program.

It is told what to run on its stdin, a line of JSON each, and answers on its stdout. When its stdin ends, the worker is
gone, however it went (`kill -9`, say): it ends what runs, and itself. A command is over when its process has ended and
everything that it started has, too; what is left is asked to end, and killed soon after. It is no child of the worker,
as Ray kills those of its workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time
from typing import Any

#: How long a process has between being asked to end and being killed.
GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl(option: int, value: int) -> None:
    """Have the kernel do something for this process; where it cannot (elsewhere than on Linux) nothing is lost."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Guard:
    """Runs one command at a time."""

    def __init__(self) -> None:
        self._waking, written = os.pipe()
        os.set_blocking(self._waking, False)
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._heard = b""
        self._group: int | None = None
        self._code: int | None = None
        self._lock: int | None = None
        #: When to kill what has been asked to end.
        self._deadline: float | None = None
        self._asked: set[int] = set()
        #: Which command it is, as the worker counts them: an answer may come when it is asked about the next.
        self._number = 0
        #: A command that waits until what an earlier worker left in its folder has ended.
        self._waiting: dict[str, Any] | None = None
        self._leaving = False

    def run(self) -> None:
        """Do what the worker says until it is gone."""
        while not self._leaving or self._group is not None:
            busy = self._deadline is not None or self._waiting is not None
            inputs = [self._waking] if self._leaving else [0, self._waking]
            ready, _, _ = select.select(inputs, [], [], _POLL_SECONDS if busy else None)
            if self._waking in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._waking, 4096)
            if 0 in ready:
                self._listen()
            if self._waiting:
                self._start(self._waiting)
            self._look()

    def _listen(self) -> None:
        said = os.read(0, 65536)
        if not said:
            self._leaving, self._waiting = True, None
            self._end()
            return
        *lines, self._heard = (self._heard + said).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            if "argv" in asked:
                self._waiting, self._number = asked, asked["number"]
            elif self._group is not None:
                self._end()
            else:
                self._waiting = None
                self._answer(code=-signal.SIGTERM)

    def _start(self, asked: dict[str, Any]) -> None:
        """Run a command, if nothing of an earlier attempt is left."""
        lock = os.open(asked["lock"], os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return
        except OSError:  # a file system without locks
            pass
        self._waiting, self._lock, self._code = None, lock, None
        failed, told = os.pipe()
        guard, pid = os.getpid(), os.fork()
        if not pid:
            self._become(asked, guard, told)
        os.close(told)
        with open(failed, "rb") as answer:  # noqa: PTH123
            problem = answer.read()
        if problem:
            os.waitpid(pid, 0)
            self._over()
            self._answer(error=int(problem))
            return
        self._group = pid
        self._answer(pid=pid)

    @staticmethod
    def _become(asked: dict[str, Any], guard: int, told: int) -> None:
        """Be the command, or tell the number of the error that forbids it."""
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(1)
            log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(asked["cwd"])
            os.execvpe(asked["argv"][0], asked["argv"], asked["env"])
        except OSError as error:
            os.write(told, str(error.errno).encode())
        finally:
            os._exit(1)

    def _look(self) -> None:
        """Take note of who has ended; tell of the command once nothing of it is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                if pid == self._group:
                    self._code = os.waitstatus_to_exitcode(status)
        if self._group is None:
            return
        if self._code is not None and not self._left():
            code = self._code
            self._over()
            self._answer(code=code)
        elif self._code is not None and self._deadline is None:
            self._end()
        elif self._deadline is not None:
            self._signal_children(signal.SIGTERM)
            if time.monotonic() > self._deadline:
                self._signal(signal.SIGKILL)

    def _end(self) -> None:
        """Ask everything to end, and remember when to stop asking."""
        if self._group is not None and self._deadline is None:
            self._deadline = time.monotonic() + GRACE_SECONDS
            self._signal(signal.SIGTERM)

    def _over(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._group = self._deadline = self._lock = None

    def _left(self) -> bool:
        """Whether anything of the command is there: in its group, or come to us as its parent has ended."""
        assert self._group is not None
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return bool(_children())
        except PermissionError:
            pass
        return True

    def _signal(self, number: int) -> None:
        assert self._group is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, number)
        self._asked.clear()
        self._signal_children(number)

    def _signal_children(self, number: int) -> None:
        """Signal those that left the group, once each; they come to us as their parents end."""
        for pid in _children():
            if pid != self._group and pid not in self._asked:
                self._asked.add(pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _answer(self, **said: int) -> None:
        if not self._leaving:
            with contextlib.suppress(BrokenPipeError):
                os.write(1, json.dumps({**said, "number": self._number}).encode() + b"\n")


def _children() -> list[int]:
    """Return this process's children: the command, and those of its processes whose parent has ended."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def main() -> None:
    """Leave the worker's family, and serve it."""
    if os.fork():
        os._exit(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the worker decides, by leaving
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    Guard().run()


if __name__ == "__main__":
    main()
