"""What of a command line nobody else is to read: logs, and whatever else looks at it later."""

from __future__ import annotations

import sys


def forget(secret: str, instead: str) -> None:
    """Put something else in a secret's place on the command line, as far as this process has it."""
    if secret:
        sys.argv[:] = [word.replace(secret, instead) for word in sys.argv]
