"""Descriptors whose reader may go away while we write: a pipe that is closed, a terminal that hangs up."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import stat
import sys
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def _interrupt() -> None:
    raise KeyboardInterrupt


class Outlet(io.FileIO):
    """A descriptor to which writing never fails: the end of what is told must not be the end of what is done.

    A pipe that nobody reads any more means what Ctrl-C means: `broken` is called, once.
    """

    broken: Callable[[], None] = staticmethod(_interrupt)
    lost = False

    def look(self) -> None:
        """Notice a pipe that nobody reads any more before anything is written to it."""
        if self.lost or not stat.S_ISFIFO(os.fstat(self.fileno()).st_mode):
            return
        poll = select.poll()
        poll.register(self.fileno(), 0)
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            self.lost = True
            Outlet.broken()

    def write(self, text: ReadableBuffer, /) -> int:
        """Write, or drop what cannot be written."""
        size = memoryview(text).nbytes
        if self.lost:
            return size
        try:
            return super().write(text)
        except BrokenPipeError:
            self.lost = True
            Outlet.broken()
        except OSError as error:
            self.lost = error.errno == errno.EIO  # the terminal has gone; a full disk may have room again
        return size


@contextlib.contextmanager
def broken_pipe_means(action: Callable[[], None]) -> Iterator[None]:
    """Have this called instead of an interruption, while entered."""
    Outlet.broken = staticmethod(action)
    try:
        yield
    finally:
        Outlet.broken = staticmethod(_interrupt)


def outlet(stream: TextIO) -> TextIO:
    """Return a stream of our own to where a stream leads now, for good; the stream itself when it has no descriptor."""
    try:
        descriptor = os.dup(stream.fileno())
    except OSError:
        return stream
    # Left to the end of the process, which is no oversight that Python should warn of.
    raw = Outlet(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=True)


def look_for_reader(stream: IO[str]) -> None:
    """Notice a pipe that nobody reads any more before anything is written to it, if the stream is an `outlet`."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if isinstance(raw, Outlet):
        raw.look()


def drop_stdout() -> None:
    """Let stdout lead nowhere: its reader has gone, and Python would complain once more while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
