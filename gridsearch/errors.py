"""What can go wrong, as values with an exit code and one line for the person who must mend it.

Every error a user can cause is a `GridsearchError`; the command line prints its text and exits with its
`exit_code`. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

import difflib
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_COMPLETE = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_STORE_BUSY = 4
EXIT_STORE_DAMAGED = 5
EXIT_DEFECT = 70
EXIT_INTERRUPTED = 130


class GridsearchError(Exception):
    """Base of every error that a user can cause or mend; its text is one line: what, where, how to mend it."""

    exit_code: int = EXIT_USAGE

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows, which asks for them so: our frames would tell its reader nothing."""
        return [f"{type(self).__name__}: {self}"]


class JobError(GridsearchError):
    """A job file, an override or the combination of both cannot be used.

    `problem` says what is wrong without the `place` where it stands, which the text begins with.
    """

    def __init__(self, problem: str, *, place: object = "") -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem


class DataError(GridsearchError):
    """A data set is missing, damaged, or does not fit the job.

    `key` is the key of a job that it is about, from the top: ("split", "validation"); its text begins with them.
    """

    def __init__(self, problem: str, *, key: tuple[str, ...] = ()) -> None:
        super().__init__(": ".join((*key, problem)))
        self.problem, self.key = problem, key


class FigureError(GridsearchError):
    """A program that draws figures as files is missing, or gave up."""


class ModelError(GridsearchError):
    """A model cannot be imported, or refuses its hyperparameters or its input."""


class TrialError(GridsearchError):
    """A training function of the user's reports, saves or asks for what cannot be."""

    def _render_traceback_(self) -> list[str]:
        """Return the whole traceback: where in the user's function it was is half of the answer."""
        return "".join(traceback.format_exception(self)).splitlines()


class StoreError(GridsearchError):
    """The store cannot be opened, read or written, or does not hold what was asked for."""


class StoreBusyError(StoreError):
    """A command that needs the store to itself found a live launch."""

    exit_code = EXIT_STORE_BUSY


class StoreLockedError(StoreError):
    """Another program kept the store locked for longer than whoever asked would wait."""

    exit_code = EXIT_STORE_BUSY


class StoreMovedError(StoreError):
    """The store's file was deleted, or another put in its place, while it was open."""


class LaunchClosedError(StoreError):
    """A launch was closed, by another that found it silent for too long: whatever it reports is refused."""


class StoreDamagedError(StoreError):
    """The store's file is not a sound database."""

    exit_code = EXIT_STORE_DAMAGED


class EngineError(GridsearchError):
    """Workers could not be started or were lost for good."""


class StorageError(GridsearchError):
    """A file beside the store (a checkpoint, a log) cannot be written: the disk's fault, and no trial's."""


class StopNowError(KeyboardInterrupt):
    """A person wants everything to stop at once; unlike a plain `KeyboardInterrupt` it cannot be a model's doing."""


def not_writable(what: str, place: Path, cause: OSError) -> StorageError:
    """Return the error for files of ours that the disk refused."""
    why = cause.strerror or str(cause)
    return StorageError(
        f"{what} in {place} cannot be written: {why}; free some space or check the folder's permissions, then"
        f" continue with: gridsearch resume"
    )


#: How alike two words are (0 to 1) of which one is a slip of the pen; "criterion" and "description" are not.
_CLOSE = 0.75
#: One letter of three or four weighs more.
_CLOSE_AND_SHORT, _SHORT = 0.65, 4
_MOST_LISTED = 20
#: How much of a word tells which one it is, where it begins no other.
_SHORTEST = 3


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"` for the closest valid word, or the list of valid words when none is close.

    A long list is left out, and a word that differs by its digits alone is another one, not a slip of the pen.
    """
    choices = sorted(set(valid))
    if close := closest(word, choices):
        return f" (did you mean {close!r}?)"
    return f" (valid: {', '.join(choices)})" if 0 < len(choices) <= _MOST_LISTED else ""


def closest(word: str, valid: Iterable[str]) -> str | None:
    """Return the valid word that was meant, as far as spelling tells."""
    lowered = {choice.lower(): choice for choice in sorted(set(valid), reverse=True)}
    if word.lower() in lowered:
        return lowered[word.lower()]
    cutoff = _CLOSE_AND_SHORT if len(word) <= _SHORT else _CLOSE
    swapped = [choice for choice in lowered if sorted(choice) == sorted(word.lower())]
    begun = [choice for choice in lowered if len(word) >= _SHORTEST and choice.startswith(word.lower())]
    close = (
        swapped
        or (begun if len(begun) == 1 else [])
        or difflib.get_close_matches(word.lower(), lowered, n=3, cutoff=cutoff)
    )
    return next((lowered[found] for found in close if _letters(found) != _letters(word.lower())), None)


def _letters(word: str) -> str:
    return "".join(sign for sign in word if not sign.isdigit())


#: How many characters of an error's own words are repeated; the whole stands in its log.
_LONGEST_LINE = 500


def one_line(error: BaseException) -> str:
    """Return an exception as one line: its type and the first line of its text, the second too after a colon."""
    try:
        text = str(error)
    except BaseException:  # an exception of the user's may fail even here
        return type(error).__name__
    first, _, rest = text.strip().partition("\n")
    if first.endswith(":") and rest:
        first += " " + rest.strip().splitlines()[0]
    if len(first) > _LONGEST_LINE:
        first = first[:_LONGEST_LINE] + "…"
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


@contextmanager
def passed_over(log: logging.Logger, what: str, *errors: type[BaseException]) -> Iterator[None]:
    """Log an error of one of these types and continue after the block: the caller can do without it.

    Args:
        log: The logger of the caller's module.
        what: What is done without.
        errors: The types of the errors; all others are raised.
    """
    try:
        yield
    except errors as error:
        log.info("%s: %s", what, one_line(error))
