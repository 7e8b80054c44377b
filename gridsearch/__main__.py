"""Run the command line as `python -m gridsearch`."""

from gridsearch.cli.start import main

main()
