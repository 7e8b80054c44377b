"""The contract of a store: which validation images are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridsearch.config.events import EpochRecord, LineageFinished
from gridsearch.store.contract import Store
from gridsearch.store.rows import Claim, NewTrial
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, grid, start


def right(share: float, images: int = 21, *, first: int = 0) -> bytes:
    answers = np.zeros(images, np.bool_)
    answers[: round(share * images)] = True
    return np.packbits(np.roll(answers, first)).tobytes()


def answered(claim: Claim, number: int, *, first: int = 0, kept: bool = True) -> EpochRecord:
    share = (number + 3) / 21
    return replace(epoch(claim, number), val_accuracy=share, correct=right(share, first=first) if kept else b"")


def begun(store: Store, epochs: tuple[int, ...]) -> tuple[int, Claim, list[NewTrial]]:
    trials = grid(rates=(0.1,), epochs=epochs)
    launch = start(store, trials)
    (claim,) = claim_all(store, launch, trials)
    return launch, claim, trials


class AnswerContract:
    def test_answers_come_back_and_are_verified(self, store: Store) -> None:
        launch, claim, trials = begun(store, (1, 3))
        events = [answered(claim, number, kept=number in (1, 3)) for number in range(4)]
        store.record(launch, [*events, LineageFinished(claim.lineage_id, claim.attempt)], {})
        (name,) = {trial.lineage_id for trial in trials}
        assert store.answers([name, "another"]) == {name: {1: events[1].correct, 3: events[3].correct}}
        assert store.answers(["another"]) == {} and store.verify() == []

    @pytest.mark.parametrize(("ends", "left"), [((5,), [4]), ((1, 5), [1, 4]), ((3, 5), [2, 4]), ((1, 2, 3), [1, 2])])
    def test_those_that_a_later_epoch_has_made_worthless_are_removed(
        self, store: Store, ends: tuple[int, ...], left: list[int]
    ) -> None:
        launch, claim, trials = begun(store, ends)
        for number in range(max(ends) + 1):
            store.record(launch, [answered(claim, number, kept=number in (1, 2, 4))], {})
        assert list(store.answers([trials[0].lineage_id])[trials[0].lineage_id]) == left
        assert store.verify() == []

    def test_all_at_once_they_are_the_same(self, store: Store) -> None:
        launch, claim, trials = begun(store, (3, 5))
        store.record(launch, [answered(claim, number, kept=number in (1, 2, 4)) for number in range(6)], {})
        assert list(store.answers([trials[0].lineage_id])[trials[0].lineage_id]) == [2, 4]

    def test_those_of_other_jobs_trials_stay(self, store: Store) -> None:
        launch, claim, trials = begun(store, (2, 5))
        store.record(launch, [answered(claim, number, kept=number == 2) for number in range(3)], {})
        store.put_job(JOB, SPEC, SOURCE, trials[1:])
        store.record(launch, [answered(claim, number, kept=number in (3, 5)) for number in range(3, 6)], {})
        assert list(store.answers([trials[0].lineage_id])[trials[0].lineage_id]) == [2, 5]

    def test_of_an_epoch_that_is_recorded_nothing_changes(self, store: Store) -> None:
        launch, claim, trials = begun(store, (1,))
        store.record(launch, [answered(claim, 0, kept=False), answered(claim, 1)], {})
        store.record(launch, [answered(claim, 1, first=5)], {})
        assert store.answers([trials[0].lineage_id]) == {trials[0].lineage_id: {1: answered(claim, 1).correct}}

    @pytest.mark.parametrize("correct", [right(5 / 21), right(4 / 21, 24), right(4 / 21, 13), b""])
    def test_as_many_are_right_as_the_accuracy_says(self, store: Store, correct: bytes) -> None:
        launch, claim, trials = begun(store, (1,))
        store.record(launch, [answered(claim, 0, kept=False), replace(answered(claim, 1), correct=correct)], {})
        told = {row.error for row in store.trials(JOB)}
        assert (told == {None}) == (not correct)
        assert all(error is None or "impossible numbers" in error for error in told)
        assert store.answers([trials[0].lineage_id]) == {} and store.verify() == []
