"""Keeping which validation images lineages have right, in the epochs that a trial is read at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from sqlalchemy import Connection, delete, select

from gridsearch.store.checked_tables import ANSWERS, TRIALS, checked
from gridsearch.store.queries.lookup import batches_in
from gridsearch.store.schema.tables import answers, trials

_OF_TRIAL = TRIALS.picker(("lineage", "epochs"))
_KEY = ANSWERS.picker(("lineage", "epoch"))


def add_answers(connection: Connection, fresh: Mapping[int, Mapping[int, bytes]]) -> None:
    """Keep what lineages have right by epoch, and remove what that has made worthless.

    The answers of an epoch are those of trials that end before the next epoch with answers; where no trial of the
    lineage does, of whichever job, nobody is read at it any more.
    """
    if not fresh:
        return
    ends, known = defaultdict(set), defaultdict(set)
    found = batches_in(connection, select(*TRIALS.columns), trials.c.lineage, fresh)
    for lineage, epochs in map(_OF_TRIAL, checked(found, TRIALS)):
        ends[lineage].add(epochs)
    found = batches_in(connection, select(*ANSWERS.columns), answers.c.lineage, fresh)
    for lineage, epoch in map(_KEY, checked(found, ANSWERS)):
        known[lineage].add(epoch)
    rows = []
    for lineage, own in fresh.items():
        spare = _spare(sorted(known[lineage] | own.keys()), ends[lineage])
        for epoch in known[lineage] & (spare | own.keys()):
            row = (answers.c.lineage == lineage) & (answers.c.epoch == epoch)
            connection.execute(delete(answers).where(row))
        rows += [
            {"lineage": lineage, "epoch": epoch, "correct": correct}
            for epoch, correct in own.items()
            if epoch not in spare
        ]
    ANSWERS.insert(connection, rows)


def _spare(epochs: Sequence[int], ends: set[int]) -> set[int]:
    """Return those of some epochs, ascending, that no trial is read at, given after which epochs trials end."""
    return {epoch for epoch, later in pairwise(epochs) if not any(epoch <= end < later for end in ends)}


def fits_accuracy(correct: bytes, accuracy: float | None) -> bool:
    """Whether as many images are right as an accuracy says, for a number of images that fills the last byte."""
    right, most = int.from_bytes(correct).bit_count(), 8 * len(correct)
    return accuracy is not None and any(abs(right / n - accuracy) < 1e-9 for n in range(max(1, most - 7), most + 1))
