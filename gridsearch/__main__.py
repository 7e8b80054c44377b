"""Run the command line as `python -m gridsearch`."""

import sys

if not sys.flags.safe_path:
    # Python has put the current folder first. A statistics.py there is the user's, and no library of ours.
    sys.path.append(sys.path.pop(0))

from gridsearch.cli.start import main

main()
