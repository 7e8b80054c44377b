"""The command line of this process, as a launch keeps it."""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

from gridsearch.export.addresses import shown_uri
from gridsearch.shell_words import quoted

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def job_first(job: str) -> None:
    """Put the job right behind the name of the command, where whoever reads it later finds it."""
    words = sys.argv[2:]
    if job in words:
        del words[len(words) - 1 - words[::-1].index(job)]  # an option before it may have the same value
        sys.argv[2:] = [job, *words]


def command_line() -> str:
    """Return the command line of this process for a shell, addresses in it without users, passwords and parameters.

    What was forgotten before is not in it.
    """
    return " ".join(["gridsearch", *(quoted(_ADDRESS.sub(_without_secrets, word)) for word in sys.argv[1:])])


def _without_secrets(address: re.Match[str]) -> str:
    try:
        shown = shown_uri(address[0])
        urlsplit(shown)
        return shown
    except ValueError:  # brackets that are no address of IPv6
        return f"{address[0].partition(':')[0]}://..."
