"""`gridsearch verify`: every invariant of the store."""

from __future__ import annotations

import typer

from gridsearch.cli.options import (
    DEFAULT_STORE,
    StoreOption,
)
from gridsearch.cli.streams import answer, data
from gridsearch.errors import EXIT_STORE_DAMAGED
from gridsearch.quantities import counted


def verify(store: StoreOption = DEFAULT_STORE) -> None:
    """Check the store for damage; changes nothing."""
    from gridsearch.store.opening import open_store

    with open_store(store, create=False, read_only=True, examine=False) as opened:
        problems = opened.verify()
        trials = 0 if problems else opened.number_of_trials()
    for problem in problems:
        data(f"{problem.rule}: {problem.subject}: {problem.text}")
    if problems:
        answer(f"{store}: {counted(len(problems), 'problem')} found")
        raise typer.Exit(EXIT_STORE_DAMAGED)
    answer(f"{store}: sound, {counted(trials, 'trial')} checked")
