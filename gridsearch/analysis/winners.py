"""The best trials of a job, as `top` ranks them, without reading every trial where the store can rank by itself."""

from __future__ import annotations

from gridsearch.analysis.limits import exceeded, limits
from gridsearch.analysis.question import objective
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow


def winners(store: Store, name: str, n: int) -> list[tuple[TrialRow, float]]:
    """Return the best `n` of a job's trials that have a score, each with it, the best first; diverged ones have none.

    Those that exceed a constraint of the job are left out. Ties are settled by the order of the grid.
    """
    job = store.job(name)
    asked, bounds = objective(job), limits(job)
    if asked.at == "last" and not bounds:
        rows = store.ranking(name, asked.metric, n, highest=asked.highest)
        return [(row, getattr(row, asked.metric)) for row in rows]
    # Constraints and the best of all epochs are no columns of the store.
    from gridsearch.analysis.frames import load
    from gridsearch.analysis.ranking import ranked

    data = load(store, name)
    rows_by_id = {row.trial_id: row for row in data.rows if not exceeded(row, bounds)}
    found = ranked(data)
    best = found[found["trial"].isin(list(rows_by_id))].dropna(subset=["score"]).head(n)
    return [(rows_by_id[trial], score) for trial, score in zip(best["trial"], best["score"], strict=True)]
