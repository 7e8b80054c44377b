"""This process as one that runs users' code for another, which watches it: it leaves an account of how it ended.

A model may end the process it runs in: by `os._exit`, in native code, or never. A command that must run one runs in a
process of its own for that; the one that a person started waits for it, and says what became of it.

Of the account only two lines mean anything: that it `BEGAN`, and its end, `ENDED` with an exit code. What stands
between them is of Python's faulthandler.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

#: What a process is told by whoever watches it: the descriptor for its account, and who that is.
VARIABLE = "GRIDSEARCH_SUPERVISED"
BEGAN, ENDED = "began", "ended in order"

_PR_SET_PDEATHSIG = 1


class _Account:
    """The file of this process's account; another that it has forked has none, and neither has who has closed it."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        # Written to until the very end: a file object would complain that nobody has closed it.
        self.descriptor = descriptor
        self._owner, self._identity = os.getpid(), self._which()
        self.write(BEGAN)

    def is_ours(self) -> bool:
        return self._owner == os.getpid() and self._which() == self._identity

    def write(self, line: str) -> None:
        if self.is_ours():
            os.write(self.descriptor, f"\n{line}\n".encode())

    def _which(self) -> tuple[int, int] | None:
        """Return which file the descriptor leads to: a model may have closed it, and another have got its number."""
        try:
            found = os.fstat(self.descriptor)
        except OSError:
            return None
        return found.st_dev, found.st_ino


_accounts: list[_Account] = []


def begin() -> None:
    """Begin the account, if somebody watches; nobody that this process starts is watched by them."""
    if not (told := os.environ.pop(VARIABLE, "")):
        return
    descriptor, watcher = map(int, told.split(":"))
    _accounts[:] = [_Account(descriptor)]
    faulthandler.enable(_accounts[0].descriptor)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != watcher:  # it has gone already
            os._exit(1)
    else:
        threading.Thread(target=_end_with, args=(watcher,), daemon=True).start()


def is_supervised() -> bool:
    """Return whether somebody watches, who is told what becomes of this process."""
    return bool(_accounts)


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """End the process, if it is watched, where what is entered takes longer; threads of native code see to that."""
    if seconds is None or not _accounts or not _accounts[0].is_ours():
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True, file=_accounts[0].descriptor)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def end(code: int) -> None:
    """Note that the process has come to its own end, with this exit code."""
    if _accounts:
        _accounts[0].write(f"{ENDED} {code}")


def _end_with(watcher: int) -> None:
    while os.getppid() == watcher:
        time.sleep(1.0)
    os._exit(1)
