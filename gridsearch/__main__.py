"""Run the command line, as `python -m gridsearch` or as the program of that name."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # Python has put the current folder first. A statistics.py there is the user's, and no library of ours.
    sys.path.append(sys.path.pop(0))


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends it as at any other time."""
    try:
        from gridsearch.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
