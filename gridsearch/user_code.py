"""What is told of an error that a user's code raised: its words, and the line of the user's own file it came from."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from gridsearch.errors import GridsearchError, one_line

#: Whose files are nobody's own: gridsearch's, Python's, and those of installed packages.
_OURS = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib")))
_INSTALLED = ("site-packages", "dist-packages")


def told(error: BaseException) -> str:
    """Return an error as one line, with the place in the user's code; our own errors say it in their own words."""
    said = str(error) if isinstance(error, GridsearchError) else one_line(error)
    place = place_of(error)
    return f"{said} ({place})" if place and place not in said else said


def place_of(error: BaseException) -> str:
    """Return the innermost line of the user's code that an error passed, as `nets.py:12 in forward`; else nothing.

    Of an error that another one caused, its own line counts before that of its cause.
    """
    for cause in _chain(error):
        if frames := [frame for frame in _frames(cause.__traceback__) if _is_own(frame[0])]:
            file, line, name = frames[-1]
            return f"{Path(file).name}:{line} in {name}"
    return ""


def kind_of(error: BaseException) -> str:
    """Return what is the same for errors of one reason, whatever their words: the type, and the line that raised."""
    root = _chain(error)[-1]
    lines = [f"{file}:{line}" for file, line, _ in _frames(root.__traceback__)]
    return f"{type(root).__name__} at {place_of(error) or ''.join(lines[-1:])}"


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error, what it was raised from, and so on; whoever closes a circle is told of once."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int, str]]:
    for frame, line in traceback.walk_tb(trace):
        yield frame.f_code.co_filename, line, frame.f_code.co_name


def _is_own(file: str) -> bool:
    """Whether a file is neither ours, nor Python's, nor that of an installed package."""
    if file.startswith("<"):  # code that was made while running, as by dataclasses and torch.fx
        return False
    path = Path(file)
    return (
        not path.is_relative_to(_OURS[0])
        and not any(path.is_relative_to(folder) for folder in _OURS[1:])
        and not any(part in _INSTALLED for part in path.parts)
    )
