"""Ends a Ray of our own whose driver is gone, however it went: run as a program, its stdin a pipe from the driver.

Ray's raylet dies with the driver, its workers within seconds, two agents only after a minute.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Wait for the driver's end, then leave nothing of its Ray: no process, and no folder unless it said `keep`."""
    folder, package = sys.argv[1:]
    said = sys.stdin.read()
    # Not before it is needed: a launch should not wait for what it does not use.
    import shutil
    from pathlib import Path

    sys.path.insert(0, package)
    from gridsearch.engine.ray_processes import end_for_good

    end_for_good(Path(folder))
    if "keep" not in said:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
