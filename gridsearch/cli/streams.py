"""The two streams of the terminal: data on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

#: Wide enough that a table in a pipe is never folded.
PIPE_WIDTH = 10_000


@cache
def out() -> Console:
    """Return the console for data."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=not sys.stdout.isatty())


@cache
def err() -> Console:
    """Return the console for progress, notes and errors.

    It writes to a descriptor of its own, because libraries are silenced by having theirs lead elsewhere.
    """
    from rich.console import Console

    width = None if sys.stderr.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=_own(sys.stderr), width=width, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """Print a line for the person at the terminal, on stderr, with nothing in it taken for markup."""
    print(printable(text), file=err().file, flush=True)


def line_at_once(text: str) -> Callable[[], None]:
    """Return what writes a line on stderr in one system call, as a signal handler must: it may interrupt `say`."""
    line, descriptor = f"{text}\n".encode(), err().file.fileno()

    def write() -> None:
        with contextlib.suppress(OSError):
            os.write(descriptor, line)

    return write


def data(text: str) -> None:
    """Print data on stdout, exactly as given."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def printable(text: str) -> str:
    """Return text with control characters shown instead of obeyed: names and errors may hold escape sequences."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def _own(stream: TextIO) -> TextIO:
    """Return a stream of our own to where a stream leads now, for good; the stream itself when it has no descriptor."""
    try:
        descriptor = os.dup(stream.fileno())
    except OSError:
        return stream
    return os.fdopen(descriptor, "w", buffering=1, encoding=stream.encoding, errors=stream.errors)
