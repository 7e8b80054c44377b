"""What of a command line nobody else is to read: logs, the store, and whatever else looks at it later."""

from __future__ import annotations

import re
import sys

from gridsearch.export.addresses import shown_uri
from gridsearch.shell_words import quoted

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def forget(secret: str, instead: str) -> None:
    """Put something else in a secret's place on the command line, as far as this process has it."""
    if secret:
        sys.argv[:] = [word.replace(secret, instead) for word in sys.argv]


def forget_values(option: str, instead: str) -> None:
    """Put something else in place of all values of an option: of one that is given twice, only the last is used."""
    for place, word in enumerate(sys.argv):
        if word.startswith(f"{option}="):
            sys.argv[place] = f"{option}={instead}"
        elif sys.argv[place - 1 : place] == [option]:
            sys.argv[place] = instead


def command_line() -> str:
    """Return the command line of this process for a shell, addresses in it without passwords and parameters.

    What was forgotten before is not in it.
    """
    return " ".join(["gridsearch", *(quoted(_ADDRESS.sub(_without_secrets, word)) for word in sys.argv[1:])])


def _without_secrets(address: re.Match[str]) -> str:
    try:
        return shown_uri(address[0])
    except ValueError:  # brackets that are no address of IPv6
        return f"{address[0].partition(':')[0]}://..."
