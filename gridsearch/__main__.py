"""Run the command line as `python -m gridsearch`."""

from gridsearch.cli.main import main

main()
