"""The best trials of a job, as `top` ranks them, without reading every trial where the store can rank by itself."""

from __future__ import annotations

from gridsearch.analysis.question import objective
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow


def winners(store: Store, name: str, n: int) -> list[tuple[TrialRow, float]]:
    """Return the best `n` of a job's trials that have a score, each with it, the best first; diverged ones have none.

    Ties are settled by the order of the grid.
    """
    asked = objective(store.job(name))
    if asked.at == "last":
        rows = store.ranking(name, asked.metric, n, highest=asked.highest)
        return [(row, getattr(row, asked.metric)) for row in rows]
    # The best of all epochs is no column of the store.
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.ranking import ranked

    data = load(store, name)
    rows_by_id = {row.trial_id: row for row in data.rows}
    best = ranked(data).dropna(subset=["score"]).head(n)
    return [(rows_by_id[trial], score) for trial, score in zip(best["trial"], best["score"], strict=True)]
