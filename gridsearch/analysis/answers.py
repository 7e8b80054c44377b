"""Which validation images trials have right, in the epoch that each is read at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gridsearch.config.identity import parse
from gridsearch.config.sections import Objective
from gridsearch.config.trial_epoch import last_epoch, reading_epoch
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow

#: Gives, for some trials of a job, a bit for each validation image by the trial's id; those not known are left out.
Answers = Callable[[Sequence[TrialRow]], Mapping[str, bytes]]


def answers_in(store: Store, objective: Objective) -> Answers:
    """Return what reads the answers of a job's trials from its store, which must be open then."""

    def read(rows: Sequence[TrialRow]) -> dict[str, bytes]:
        known = store.answers([row.lineage_id for row in rows])
        having = [(row, parse(row.config)) for row in rows if row.lineage_id in known]
        looking = [row for row, config in having if objective.at == "best" or config.restore_best]
        histories = store.curves([row.lineage_id for row in looking])
        found = {}
        for row, config in having:
            if row.lineage_id in histories:
                epoch = reading_epoch(config, objective, histories[row.lineage_id].rows)
            else:
                epoch = last_epoch(row.epochs, row.stopped_epoch)
            correct = None if epoch is None else known[row.lineage_id].get(epoch)
            if correct is not None:
                found[row.trial_id] = correct
        return found

    return read


def held_answers(answers: Answers, rows: Sequence[TrialRow]) -> Answers:
    """Return the answers of some trials, read now, so that they are there when the store is closed."""
    return _Held(answers(rows))


@dataclass(frozen=True, slots=True)
class _Held:
    """Answers in memory; no function in a function, which could not be pickled."""

    known: Mapping[str, bytes]

    def __call__(self, rows: Sequence[TrialRow]) -> dict[str, bytes]:
        return {row.trial_id: self.known[row.trial_id] for row in rows if row.trial_id in self.known}


def tells_score(correct: bytes | None, score: float, images: float) -> bool:
    """Whether these are the images that a score counts: of so many, as many as it says."""
    if correct is None or len(correct) != -(-int(images) // 8):
        return False
    return int.from_bytes(correct).bit_count() == round(score * images)


def validation_images(config: str) -> str:
    """Return what decides which images a trial validates on, given its configuration as stored.

    That is written in one way only (`identity.canonical`), and need not be understood: there may be very many.
    """
    written = json.loads(config)
    return json.dumps([written.get(name) for name in ("dataset", "split", "data_seed", "fold")])
