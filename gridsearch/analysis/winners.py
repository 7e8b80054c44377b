"""The best trials of a job, as `top` ranks them, without reading every trial where the store can rank by itself."""

from __future__ import annotations

from gridsearch.analysis.limits import limits
from gridsearch.analysis.question import has_groups, objective, repeated_seeds
from gridsearch.spec.identity import point_of
from gridsearch.spec.outcomes import TrialState
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow


def trials_of_point(store: Store, name: str, row: TrialRow) -> tuple[list[TrialRow], int]:
    """Return those of the repeats and folds of a trial's point that have a score, and how many there are in all.

    They stand in the order of the grid. Where points are trained once, it is the trial alone.
    """
    job = store.job(name)
    if not has_groups(job):
        return [row], 1
    seeds = repeated_seeds(job)
    point = point_of(row.config, seeds)
    every = [one for one in store.trials(name) if point_of(one.config, seeds) == point]
    return [one for one in every if one.state in (TrialState.COMPLETED, TrialState.STOPPED)], len(every)


def winners(store: Store, name: str, n: int) -> list[tuple[TrialRow, float]]:
    """Return the best `n` of a job's trials that have a score, each with it, the best first; diverged ones have none.

    Those that exceed a constraint of the job are left out. Ties are settled by the order of the grid. Where each point
    is trained several times they are the first trials of the best points, each with the point's mean.
    """
    job = store.job(name)
    asked, bounds, of_points = objective(job), limits(job), has_groups(job)
    if asked.at == "last" and not bounds and not of_points:
        rows = store.ranking(name, asked.metric, n, highest=asked.highest)
        return [(row, getattr(row, asked.metric)) for row in rows]
    # Means, constraints and the best of all epochs are no columns of the store.
    from gridsearch.analysis.frames import OVER, SCORED_STATES, load
    from gridsearch.analysis.groups import grouped
    from gridsearch.analysis.ranking import ranked

    data = load(store, name)
    # A point is called by its first trial, which may be one that failed; the first that has a model stands for it.
    seeds = repeated_seeds(job)
    called = {row.trial_id: point_of(row.config, seeds) if of_points else row.trial_id for row in data.rows}
    usable: dict[str, TrialRow] = {}
    for row in data.rows:
        if row.state in SCORED_STATES:
            usable.setdefault(called[row.trial_id], row)
    frame = ranked(grouped(data) if of_points else data)
    frame = frame[(frame["state"] != TrialState.DIVERGED.value) & frame["score"].notna()]
    if bounds:
        frame = frame[frame[OVER] == ""]
    found = [(usable.get(called[trial]), score) for trial, score in zip(frame["trial"], frame["score"], strict=True)]
    return [(row, score) for row, score in found if row is not None][:n]
