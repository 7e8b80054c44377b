"""The two streams of the terminal: data on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """Return the console for progress, notes and errors."""
    from rich.console import Console

    width = None if sys.stderr.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=sys.stderr, width=width, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """Print a line for the person at the terminal, on stderr, with nothing in it taken for markup.

    The stream is the one there was at first, whatever libraries are silenced by taking `sys.stderr` away meanwhile.
    """
    print(printable(text), file=err().file, flush=True)


def data(text: str) -> None:
    """Print data on stdout, exactly as given."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def printable(text: str) -> str:
    """Return text with control characters shown instead of obeyed: names and errors may hold escape sequences."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
