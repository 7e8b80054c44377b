"""Ends a Ray of our own whose driver is gone, however it went: run as a program, its stdin a pipe from the driver.

Ray's raylet dies with the driver, its workers within seconds, two agents only after a minute.
"""

from __future__ import annotations

import contextlib
import os
import sys

#: What is said in place of who can say nothing any more.
_LAST_WORDS = (
    b"gridsearch: the launch was ended from outside, or because a process of Ray's was; nothing recorded is lost,"
    b" continue with the same command\n"
)


def main() -> None:
    """Wait for the driver's end, then leave nothing of its Ray: no process, and no folder unless it said `keep`."""
    folder, package = sys.argv[1:]
    said = sys.stdin.read()
    with contextlib.suppress(OSError):
        os.write(2, _LAST_WORDS)
    # Not before it is needed: a launch should not wait for what it does not use.
    import shutil
    from pathlib import Path

    sys.path.insert(0, package)
    from gridsearch.engine.executors.ray_processes import end_for_good

    end_for_good(Path(folder))
    if "keep" not in said:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
