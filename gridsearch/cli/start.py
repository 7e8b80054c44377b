"""Where the program begins: signals mean the same from the first import on, which takes half a second."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from gridsearch.engine.run.interruption import die_on_signals, raise_on_signals
from gridsearch.engine.trained import supervised
from gridsearch.errors import EXIT_COMPLETE, EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_SOME_FAILED


def _open_what_is_closed() -> None:
    """Have each of the three streams lead somewhere, and no file of ours get the descriptor of one."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            while os.open(os.devnull, os.O_RDWR) < number:
                pass
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - to the end of the process


def main() -> None:
    """Run the command line."""
    _open_what_is_closed()
    raise_on_signals()
    supervised.begin()
    code = EXIT_DEFECT
    try:
        from gridsearch.cli.main import main as run

        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else EXIT_COMPLETE if ended.code is None else EXIT_SOME_FAILED
        raise
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("stopped", file=sys.stderr)
        code = EXIT_INTERRUPTED
        sys.exit(code)
    finally:
        die_on_signals()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        supervised.end(code)
        # Python would look for garbage in all that was imported, for a third of a second, right before all of it goes.
        # Torch's extensions complain of what is not taken down, and beside torch's import it does not matter.
        if "torch" not in sys.modules:
            gc.freeze()
