"""The winners of a job are those that `top` and `status` name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridsearch.analysis.frames import load
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.analysis.winners import winners
from gridsearch.cli.best import best_trial
from gridsearch.store.opening import open_store
from tests.engine.launching import launch, prepared

JOBS = [
    [],
    ["objective={metric: val_loss, at: best}"],
    ["repeats=2", "batch_size=64"],
    ["split.folds=2", "batch_size=64"],
    ["constraints={parameters: 800}", "neurons=[10,11]", "batch_size=64"],
]


@pytest.mark.parametrize("overrides", JOBS, ids=str)
def test_the_winners_are_the_first_of_the_table(tmp_path: Path, overrides: list[str]) -> None:
    launch(prepared(tmp_path, *overrides), tmp_path / "r.db")
    with open_store(tmp_path / "r.db") as store:
        rows = [row for row in table(load(store, "small"), TableOptions(top=3, bottom=0)).rows if not row.over]
        found = winners(store, "small", 3)
        best = best_trial(store, "small")
    assert [(row.trial_id, score) for row, score in found] == [(row.trial, row.score) for row in rows]
    assert best is not None and best.trial == found[0][0].trial_id
