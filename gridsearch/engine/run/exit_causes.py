"""How a process ended, in words that follow its name."""

from __future__ import annotations

import signal


def cause_of_exit(code: int) -> str:
    """Return what a process did whose return code, as `subprocess` gives it, is this."""
    if code >= 0:
        return f"ended its process with exit code {code}"
    try:
        return f"ended its process by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended its process by signal {-code}"
