"""What becomes of an error that nobody foresaw: a line for the person, and its traceback in a file for us."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from gridsearch.errors import one_line
from gridsearch.version import __version__


def defect_line(error: BaseException) -> str:
    """Return a line that names an error and the file in which its traceback is kept."""
    try:
        said = one_line(error)
    except Exception:  # the error's own text raises
        said = type(error).__name__
    return f"unexpected error: {said}; {_kept(error)}; recorded results are safe; please report it"


def _kept(error: BaseException) -> str:
    try:
        return f"traceback: {kept_text(''.join(traceback.format_exception(error)))}"
    except Exception as cause:
        return f"its traceback could not be kept ({type(cause).__name__})"


def kept_text(text: str) -> str:
    """Write what happened, with what ran where, into a file that is kept, and return its name."""
    about = f"gridsearch {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    # A name that nobody can guess, readable for its owner alone: tracebacks may hold what is private.
    descriptor, name = tempfile.mkstemp(prefix="gridsearch-error-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(about + text)
    return name
