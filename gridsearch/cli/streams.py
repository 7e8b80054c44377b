"""The two streams of the terminal: data on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import textwrap
from functools import cache
from typing import IO, TYPE_CHECKING, TextIO

from gridsearch.cli.outlet import outlet
from gridsearch.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

#: Wide enough that nothing in a pipe is ever folded.
PIPE_WIDTH = 10_000


@cache
def out() -> Console:
    """Return the console for data."""
    return _console(sys.stdout)


@cache
def err() -> Console:
    """Return the console for progress, notes and errors.

    It writes to a descriptor of its own, because libraries are silenced by having theirs lead elsewhere.
    """
    return _console(outlet(sys.stderr))


def _console(stream: TextIO) -> Console:
    from rich.console import Console, ConsoleDimensions

    class OwnConsole(Console):
        """As wide as the terminal that it writes to: rich asks descriptors 0 to 2, which may lead elsewhere."""

        @property
        def size(self) -> ConsoleDimensions:
            own = columns(self.file) if self.is_terminal else None
            return super().size if own is None else ConsoleDimensions(own, lines(self.file))

        @size.setter
        def size(self, size: tuple[int, int]) -> None:
            self._width, self._height = size

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1

    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return OwnConsole(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def columns(stream: IO[str]) -> int | None:
    """Return the width to keep to: `$COLUMNS`, else the terminal's; None in a pipe, where nothing is folded."""
    if isinstance(stream, io.StringIO):  # what is to be a file (`into`)
        return None
    said = os.environ.get("COLUMNS", "")
    if said.isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return None


def lines(stream: IO[str]) -> int:
    """Return how many lines a terminal has."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or 24
    except (OSError, ValueError):
        return 24


#: A command to copy: after a colon, to the end of the sentence; or in backticks, within one.
_COMMAND = re.compile(r"(?<=: )(?:timeout \S+ )?(?:gridsearch|pip) (?:'[^']*'|\"[^\"]*\"|[^;('\"])*+")
_QUOTED_COMMAND = re.compile(r"`[^`]+`")
#: Stands for a blank at which no line may end.
_UNBREAKABLE = "\x00"


def folded(text: str, width: int | None, *, indent: int = 0) -> str:
    """Return text with its long lines continued on the next, indented; never inside a word or a number.

    A command to copy is never broken: where its line does not fit, it has one of its own, however long.
    """
    if width is None:
        return text
    return "\n".join(_folded_line(line, width, " " * indent) for line in text.split("\n"))


def _folded_line(line: str, width: int, indent: str) -> str:
    if len(line) <= width:
        return line
    if command := _COMMAND.search(line):
        before, after = line[: command.start()].rstrip(), line[command.end() :].lstrip("; ")
        rest = [_folded_line(f"{indent}{after}", width, indent)] if after else []
        return "\n".join([_folded_line(before, width, indent), f"{indent}{command[0].rstrip()}", *rest])
    fold = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    whole = _QUOTED_COMMAND.sub(lambda found: found[0].replace(" ", _UNBREAKABLE), line)
    return fold.fill(whole).replace(_UNBREAKABLE, " ")


@contextlib.contextmanager
def said_above() -> Iterator[None]:
    """Have `say` print above a live region of `err()`, as long as there is one."""
    _regions.append(True)
    try:
        yield
    finally:
        _regions.pop()


_regions: list[bool] = []


def say(text: str) -> None:
    """Print a line for the person at the terminal, on stderr, with nothing in it taken for markup."""
    stream = err().file
    if _regions:
        from rich.text import Text

        err().print(Text(folded(printable(text), columns(stream), indent=2)), soft_wrap=True)
        return
    try:
        print(folded(printable(text), columns(stream), indent=2), file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError:
        return  # a log on a full disk is no reason to stop what is told of


def line_at_once(text: str) -> Callable[[], None]:
    """Return what writes a line on stderr in one system call, as a signal handler must: it may interrupt `say`."""
    line, descriptor = f"{text}\n".encode(), err().file.fileno()

    def write() -> None:
        with contextlib.suppress(OSError):
            os.write(descriptor, line)

    return write


def data(text: str) -> None:
    """Print data on stdout, with nothing in it that a terminal would obey."""
    shown = printable(text)
    sys.stdout.write(shown if shown.endswith("\n") else shown + "\n")


def answer(text: str) -> None:
    """Print a sentence that was asked for on stdout, folded as `say` folds notes."""
    data(folded(printable(text), columns(sys.stdout), indent=2))


@contextlib.contextmanager
def into(output: Path | None) -> Iterator[None]:
    """Have all data printed within it be the content of a file, whole or not at all; on stdout where there is none."""
    if output is None:
        yield
        return
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        yield
    write_output(output, printed.getvalue().encode(errors="backslashreplace"))
    say(f"written to {output}")


def write_output(output: Path, content: bytes) -> None:
    """Write the file that a person named; `GridsearchError` where it cannot be."""
    with output_file(output) as stream:
        stream.write(content)


@contextlib.contextmanager
def output_file(output: Path | None) -> Iterator[IO[bytes]]:
    """Open the file that a person named, or stdout; it has its whole content when the block ends, or nothing of it.

    `GridsearchError` where a file cannot be written.
    """
    from gridsearch.atomic import replacing_named, written_at_the_end

    if output is None:
        with written_at_the_end(sys.stdout.buffer) as stream:
            yield stream
        return
    try:
        with replacing_named(output) as stream:
            yield stream
    except OSError as error:
        from gridsearch.output_places import not_written

        raise not_written(str(output), output, error) from None
