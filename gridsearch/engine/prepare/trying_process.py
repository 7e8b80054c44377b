"""Processes of Python that code of the user's is tried in: how they start, and how they end with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import IO


def start(
    program: str, arguments: Sequence[str], *, stdin: int, stdout: int | IO[str], stderr: IO[str] | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program, given as text, in a session of its own: Ctrl-C in the terminal is for the launch, which ends it.

    `-P` keeps the folder it starts in, which may be the user's, out of the way of its imports.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], written: IO[str] | IO[bytes]) -> None:
    """Kill such a process with all that it has started, and close the file that it wrote to."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    written.close()
