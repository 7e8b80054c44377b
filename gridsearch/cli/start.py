"""Where the program begins: signals mean the same from the first import on, which takes half a second."""

from __future__ import annotations

import contextlib
import sys

from gridsearch.engine.interruption import die_on_signals, raise_on_signals
from gridsearch.errors import EXIT_INTERRUPTED


def main() -> None:
    """Run the command line."""
    raise_on_signals()
    try:
        from gridsearch.cli.main import main as run

        run()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("stopped", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    finally:
        die_on_signals()
