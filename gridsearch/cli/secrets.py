"""What of a command line nobody else is to read: logs, the store, and whatever else looks at it later."""

from __future__ import annotations

import sys


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
