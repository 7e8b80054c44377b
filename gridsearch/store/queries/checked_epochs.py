"""The epochs of lineages as stored, every row checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, select

from gridsearch.store.checked_tables import EPOCHS, checked
from gridsearch.store.queries.lookup import AnySelect, Values, batches, batches_in
from gridsearch.store.schema.tables import epochs, job_trials, trials

_EPOCHS: AnySelect = select(*EPOCHS.columns).order_by(epochs.c.lineage, epochs.c.epoch)
_LINEAGE = itemgetter(EPOCHS.names.index("lineage"))


def checked_epochs(connection: Connection, keys: Collection[int]) -> dict[int, list[Values]]:
    """Return the epochs of lineages in order, rows of `EPOCHS.columns`, checked, by the lineage's row number."""
    return _curves(batches_in(connection, _EPOCHS, epochs.c.lineage, keys))


def epochs_of_job(connection: Connection, job: int) -> dict[int, list[Values]]:
    """Return what `checked_epochs` does of the lineages of a job's trials."""
    members = select(trials.c.lineage).join_from(job_trials, trials).where(job_trials.c.job == job)
    return _curves(batches(connection, _EPOCHS.where(epochs.c.lineage.in_(members))))


def _curves(found: Iterable[list[Values]]) -> dict[int, list[Values]]:
    return {lineage: list(rows) for lineage, rows in groupby(checked(found, EPOCHS), key=_LINEAGE)}
