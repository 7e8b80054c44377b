"""The contract of a store: evaluations and latencies."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, replace

import pytest

from gridsearch.config.events import LineageDiverged, LineageFailed
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from gridsearch.store.rows import Evaluation, Latency, NewTrial
from tests.store.contract.states import row_of
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epochs, grid, start

ONE = Evaluation("", 2, 0.75, ("cat", "dog", "it's"), ((4, 1, 0), (0, 3, 0), (1, 0, 1)), 0.125)


def completed(store: Store) -> list[NewTrial]:
    """Put a grid of four trials, the first two of which are completed: the training of one lineage."""
    trials = grid()
    launch = start(store, trials)
    one, _ = claim_all(store, launch, trials)
    store.record(launch, list(epochs(one, 3)), {})
    return trials


class EvaluationContract:
    def test_an_evaluation_comes_back_as_it_was_put(self, store: Store) -> None:
        trials = completed(store)
        put = replace(ONE, trial_id=trials[1].trial_id)
        stored = store.put_evaluation(put)
        assert {key: value for key, value in asdict(stored).items() if key != "at"} == asdict(put)
        assert (stored.images, stored.accuracy) == (10, 0.8)
        assert store.evaluations(JOB) == store.evaluations() == [stored]

    def test_one_of_many_classes_too(self, store: Store) -> None:
        trials = completed(store)
        counts = tuple(tuple(3 * (i == j) + (i == 0) for j in range(200)) for i in range(200))
        names = tuple(map(str, range(200)))
        put = replace(ONE, trial_id=trials[1].trial_id, class_names=names, confusion=counts)
        assert store.put_evaluation(put).confusion == counts
        assert store.evaluations(JOB)[0].confusion == counts

    def test_a_trial_is_evaluated_once(self, store: Store) -> None:
        trials = completed(store)
        put = replace(ONE, trial_id=trials[1].trial_id)
        stored = store.put_evaluation(put)
        events = store.events()
        assert store.put_evaluation(replace(put, loss=0.5, confusion=((9, 0, 0), (0, 9, 0), (0, 0, 9)))) == stored
        assert store.evaluations() == [stored]
        assert store.events() == events

    def test_which_images_were_right_is_kept(self, store: Store) -> None:
        trials = completed(store)
        put = replace(ONE, trial_id=trials[1].trial_id, correct=bytes([0b11110111, 0b01000000]))
        assert store.put_evaluation(put).correct == put.correct
        assert store.evaluations()[0].correct == put.correct and store.verify() == []

    def test_an_equal_evaluation_tells_an_older_one_which_images_were_right(self, store: Store) -> None:
        trials = completed(store)
        put = replace(ONE, trial_id=trials[1].trial_id)
        stored, events = store.put_evaluation(put), store.events()
        right = bytes([0b11110111, 0b01000000])
        # Another epoch's model, and one with other answers, are not the one that was recorded.
        other = ((4, 1, 0), (0, 3, 0), (0, 1, 1))
        assert store.put_evaluation(replace(put, epoch=1, correct=right)) == stored
        assert store.put_evaluation(replace(put, confusion=other, correct=right)) == stored
        assert store.put_evaluation(replace(put, loss=0.5, correct=right)) == replace(stored, correct=right)
        again = bytes([0b11111110, 0b01000000])
        assert store.put_evaluation(replace(put, correct=again)) == replace(stored, correct=right)
        assert store.evaluations() == [replace(stored, correct=right)]
        assert store.events() == events and store.verify() == []

    @pytest.mark.parametrize(
        ("correct", "said"),
        [
            (bytes([0b11111111, 0]), None),
            (bytes([0b11111111]), "are not among its 10"),
            (bytes([0b11111111, 0, 0]), "are not among its 10"),
            (bytes([0b11111110, 0b00100000]), "are not among its 10"),
            (bytes([0b11111111, 0b01000000]), "it has 9 images right, but 8 by its confusion matrix"),
        ],
    )
    def test_images_that_cannot_have_been_right_are_refused(
        self, store: Store, correct: bytes, said: str | None
    ) -> None:
        put = replace(ONE, trial_id=completed(store)[1].trial_id, correct=correct)
        with pytest.raises(StoreError, match=said) if said else nullcontext():
            store.put_evaluation(put)
        assert len(store.evaluations()) == (said is None)

    def test_evaluations_are_those_of_a_job_in_the_order_of_its_grid(self, store: Store) -> None:
        trials = completed(store)
        long, short = (store.put_evaluation(replace(ONE, trial_id=trials[i].trial_id, epoch=1)) for i in (1, 0))
        store.put_job("other", SPEC, SOURCE, trials[::-1])
        store.put_job("third", SPEC, SOURCE, trials[2:])
        assert store.evaluations(JOB) == [short, long]
        assert store.evaluations("other") == [long, short]
        assert store.evaluations("third") == store.latencies("third") == []
        with pytest.raises(StoreError, match="no job"):
            store.evaluations("none")

    def test_it_is_an_event_and_no_change_of_the_trial(self, store: Store) -> None:
        trials = completed(store)
        before = row_of(store, trials[1])
        store.put_evaluation(replace(ONE, trial_id=trials[1].trial_id))
        last = store.events(trial_id=trials[1].trial_id)[-1]
        assert (last.kind, last.detail, last.trial_id) == ("evaluated", {"evaluated": trials[1].trial_id}, None)
        assert row_of(store, trials[1]) == before

    def test_a_loss_that_is_not_finite_is_none(self, store: Store) -> None:
        trials = completed(store)
        assert store.put_evaluation(replace(ONE, trial_id=trials[1].trial_id, loss=math.inf)).loss is None

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"epoch": 4}, "weights of epoch 4, but has 3"),
            ({"epoch": 0}, "weights of epoch 0"),
            ({"confusion": ((1, 0), (0, 1))}, "not one of 3 classes"),
            ({"confusion": ((1, 0, 0), (0, 1), (0, 0, 1))}, "not one of 3 classes"),
            ({"confusion": ((0, 0, 0),) * 3}, "no images"),
            ({"confusion": ((2, -1, 0), (0, 1, 0), (0, 0, 1))}, "no images"),
        ],
    )
    def test_impossible_numbers_are_refused(self, store: Store, wrong: dict[str, object], said: str) -> None:
        trials = completed(store)
        with pytest.raises(StoreError, match=said):
            store.put_evaluation(replace(ONE, trial_id=trials[1].trial_id, **wrong))  # type: ignore[arg-type]
        assert store.evaluations() == []

    def test_only_a_trial_with_a_score_is_evaluated(self, store: Store) -> None:
        trials = grid(rates=(0.3, 0.2, 0.1), epochs=[3])
        launch = start(store, trials)
        one, two, _ = claim_all(store, launch, trials)
        store.record(launch, [LineageDiverged(one.lineage_id, 1, 2), LineageFailed(two.lineage_id, 1, "boom", "")], {})
        for trial, state in zip(trials, ("diverged", "failed", "running"), strict=True):
            with pytest.raises(StoreError, match=state):
                store.put_evaluation(replace(ONE, trial_id=trial.trial_id))
        with pytest.raises(StoreError, match="no trial"):
            store.put_evaluation(replace(ONE, trial_id="f" * 64))

    def test_of_latencies_the_newest_is_kept_by_trial_device_and_batch_size(self, store: Store) -> None:
        trials = completed(store)
        one = Latency(trials[1].trial_id, "a 'GPU'", 100, 1000, 0.5, 5)
        others = [
            replace(one, trial_id=trials[0].trial_id),
            replace(one, device="b"),
            replace(one, batch_size=1),
        ]
        store.put_latencies([one, *others])
        store.put_latencies([replace(one, seconds=0.25, repeats=7)])
        found = [{key: value for key, value in asdict(row).items() if key != "at"} for row in store.latencies(JOB)]
        newest = replace(one, seconds=0.25, repeats=7)
        assert found == [asdict(latency) for latency in (others[0], others[2], newest, others[1])]
        with pytest.raises(StoreError, match="no trial"):
            store.put_latencies([replace(one, trial_id="f" * 64)])
