"""The epochs of a job's trials, read as they are needed: of large jobs all of them are more than the memory holds."""

from __future__ import annotations

from collections.abc import Iterator

from gridsearch.analysis.filtering import matching
from gridsearch.analysis.frames import load
from gridsearch.analysis.lineage_curves import reported
from gridsearch.analysis.measures import measures_in
from gridsearch.store.contract import Store
from gridsearch.store.rows import LineageCurve


def named_curves(store: Store, job: str, expression: str | None = None) -> Iterator[tuple[str, LineageCurve]]:
    """Yield the trials of a job, in the order of the grid, each with its own epochs.

    Args:
        store: The store.
        job: The job's name.
        expression: Only trials for which it holds; None for all.

    Yields:
        The trial's id, and its lineage's epochs, ascending, up to the trial's own number of epochs; of a training of
        the user's own those that it reported.

    Raises:
        TableError: The expression is not valid (see `matching`).
    """
    if expression:
        data = load(store, job, measures=measures_in(expression))
        kept = set(matching(data.trials, expression)["trial"])
        found = [(row.trial_id, row.lineage_id, row.epochs) for row in data.rows if row.trial_id in kept]
        del data
    else:
        found = [(row.trial_id, row.lineage_id, row.epochs) for row in store.trials(job)]
    curves = store.iter_curves(lineage for _, lineage, _ in found)
    is_own = bool(store.job(job).record.training)
    for (trial, _, epochs), curve in zip(found, curves, strict=True):
        up_to = curve.up_to(epochs)
        yield trial, reported(up_to) if is_own else up_to
