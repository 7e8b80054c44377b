"""Where descriptors 1 and 2 lead: to a file, while code runs that prints what nobody asked for."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO


def open_log(log: Path) -> TextIO:
    """Return a log to write on at its end; nothing that is kept where its folder has gone."""
    try:
        return log.open("a")
    except OSError:
        return Path(os.devnull).open("a")


@contextlib.contextmanager
def descriptors_to(log: Path) -> Iterator[None]:
    """Let the descriptors of stdout and stderr, where there are any, lead to a file: native code writes there too.

    The terminal is ours: the command line writes to descriptors of its own.
    """
    with open_log(log) as file, _leading({1: file.fileno(), 2: file.fileno()}):
        yield


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Let what is printed on stdout come out on stderr: stdout is for our data."""
    with _leading({1: 2}):
        yield


@contextlib.contextmanager
def _leading(targets: Mapping[int, int]) -> Iterator[None]:
    """Let descriptors lead to where others do, until it ends."""
    kept: dict[int, int] = {}
    _flush()
    for number, target in targets.items():
        with contextlib.suppress(OSError):
            kept[number] = os.dup(number)
            os.dup2(target, number)
    try:
        yield
    finally:
        _flush()
        for number, saved in kept.items():
            os.dup2(saved, number)
            os.close(saved)


def _flush() -> None:
    """Write out what Python still holds for its streams, so that it goes where it was meant to."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
