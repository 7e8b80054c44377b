"""This process as one that runs users' code for another, which watches it: it leaves an account of how it ended.

A model may end the process it runs in: by `os._exit`, in native code, or never. A command that must run one runs in a
process of its own for that; the one that a person started waits for it, and says what became of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from typing import IO

#: What a process is told by whoever watches it: the descriptor for its account, and who that is.
VARIABLE = "GRIDSEARCH_SUPERVISED"
#: The last line of an account of a process that came to its own end.
IN_ORDER = "ended in order"

_PR_SET_PDEATHSIG = 1
_account: list[IO[str]] = []


def begin() -> None:
    """Take up the account, if somebody watches; nobody that this process starts is watched by them."""
    if not (told := os.environ.pop(VARIABLE, "")):
        return
    descriptor, watcher = map(int, told.split(":"))
    os.set_inheritable(descriptor, False)
    _account[:] = [os.fdopen(descriptor, "w", encoding="utf-8")]
    faulthandler.enable(_account[0])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:  # it has gone already
        os._exit(1)


def is_supervised() -> bool:
    """Return whether somebody watches, who is told what becomes of this process."""
    return bool(_account)


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """End the process, if it is watched, where what is entered takes longer; threads of native code see to that."""
    if seconds is None or not _account:
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True, file=_account[0])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def end() -> None:
    """Note that the process has come to its own end, whatever its exit code says."""
    if _account:
        _account[0].write(f"{IN_ORDER}\n")
        _account[0].flush()
