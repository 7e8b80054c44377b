"""The contract of a store: reading."""

from __future__ import annotations

import math

import pytest

from gridsearch.config.events import LineageDiverged, LineageFailed, LineageFinished, LineageStopped
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrainingCost
from tests.store.contract.states import FAILED, PENDING, row_of
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, epochs, grid, new_trial, start


class ReadingContract:
    def test_states_and_lineages_are_those_that_are_there(self, store: Store) -> None:
        trials = grid()
        store.put_job(JOB, SPEC, SOURCE, trials)
        asked = [trials[0].trial_id, "f" * 64, trials[3].trial_id]
        assert store.states(asked) == {trials[0].trial_id: PENDING, trials[3].trial_id: PENDING}
        assert set(store.lineages([trials[0].lineage_id, "f" * 64])) == {trials[0].lineage_id}
        assert store.states([]) == {} and store.lineages([]) == {} and store.epochs([]) == []

    def test_thousands_of_ids_may_be_asked_for(self, store: Store) -> None:
        trials = [new_trial(rate / 10000) for rate in range(1, 2500)]
        store.put_job(JOB, SPEC, SOURCE, trials)
        assert len(store.states([trial.trial_id for trial in trials])) == len(trials)
        assert len(store.lineages([trial.lineage_id for trial in trials])) == len(trials)

    def test_what_training_took_is_counted_once_and_as_far_as_the_job_reaches(self, store: Store) -> None:
        rates = (0.1, 0.2, 0.3, 0.4, 0.5)
        trials = [new_trial(rate, length) for rate in rates for length in (1, 3)]
        launch = start(store, trials)
        done, half, stopped, diverged, untouched = claim_all(store, launch, trials)
        store.record(launch, [epoch(done, n) for n in range(6)], {})
        store.record(launch, [epoch(half, n) for n in range(3)], {})
        store.record(
            launch, [*(epoch(stopped, n) for n in range(3)), LineageStopped(stopped.lineage_id, stopped.attempt, 2)], {}
        )
        lost = [epoch(diverged, 0), epoch(diverged, 1), epoch(diverged, 2, loss=math.nan)]
        store.record(launch, [*lost, LineageDiverged(diverged.lineage_id, diverged.attempt, 2)], {})
        assert untouched
        curves = {done.lineage_id: 3, half.lineage_id: 2, stopped.lineage_id: 2, diverged.lineage_id: 2}
        found = store.training_cost(JOB)
        assert found.epochs == sum(curves.values())
        seconds = [row.seconds for row in store.job_epochs(JOB) if row.epoch <= curves[row.lineage_id]]
        assert found.seconds == pytest.approx(math.fsum(seconds))
        store.put_job("short", SPEC, SOURCE, trials[:1])
        assert store.training_cost("short").epochs == 1
        store.put_job("none", SPEC, SOURCE, [])
        assert store.training_cost("none") == TrainingCost(0, 0.0)

    def test_changes_are_the_trials_that_changed_since(self, store: Store) -> None:
        trials = grid()
        store.put_job(JOB, SPEC, SOURCE, trials)
        begin = store.changes(JOB, None)
        assert (begin.trials, begin.revision, begin.whole) == ((), 1, True)
        launch = store.open_launch(JOB, "host", 1, 12.5, 1)
        claims = claim_all(store, launch, trials[:2])
        claimed = store.changes(JOB, begin.last)
        assert {row.trial_id for row in claimed.trials} == {trials[0].trial_id, trials[1].trial_id}
        assert store.changes(JOB, claimed.last).trials == ()
        store.record(launch, [epoch(claims[0], n) for n in range(4)], {})
        ended = store.changes(JOB, claimed.last)
        assert list(ended.trials) == [row for row in store.trials(JOB) if row.finished_at]
        # In parts: each goes on from the one before.
        found, after = set(), begin.last
        while not (part := store.changes(JOB, after, most=1)).whole:
            found |= {row.trial_id for row in part.trials}
            after = part.last
        assert found == {row.trial_id for row in claimed.trials} and after == ended.last
        with pytest.raises(StoreError):
            store.changes("other", None)

    def test_ranking_by_a_metric_leaves_out_trials_without_it(self, store: Store) -> None:
        trials = [new_trial(rate / 10, epochs=1) for rate in (5, 4, 3, 2, 1)]
        launch = start(store, trials)
        claims = claim_all(store, launch, trials)
        for claim, loss in zip(claims, (0.5, 0.1, 0.5, math.nan), strict=False):
            store.record(launch, [epoch(claim, 0), epoch(claim, 1, loss=loss, accuracy=1 - loss)], {})
        ids = [trial.trial_id for trial in trials]
        lowest = store.ranking(JOB, "val_loss", 9, highest=False)
        assert [row.trial_id for row in lowest] == [ids[1], ids[0], ids[2]]
        highest = store.ranking(JOB, "val_loss", 2, highest=True)
        assert [row.trial_id for row in highest] == [ids[0], ids[2]]
        assert highest[0] == row_of(store, trials[0])
        assert store.ranking(JOB, "val_accuracy", 0, highest=True) == []

    def test_ranking_leaves_out_diverged_trials(self, store: Store) -> None:
        trials = [new_trial(rate / 10, epochs=2) for rate in (1, 2)]
        launch = start(store, trials)
        good, bad = claim_all(store, launch, trials)
        store.record(launch, list(epochs(good, 2)), {})
        # An accuracy is a number even where the loss beside it is none.
        store.record(launch, [epoch(bad, 0), epoch(bad, 1, loss=math.nan, accuracy=0.9)], {})
        assert (row_of(store, trials[1]).val_accuracy or 0) > (row_of(store, trials[0]).val_accuracy or 0)
        assert [row.trial_id for row in store.ranking(JOB, "val_accuracy", 9, highest=True)] == [trials[0].trial_id]

    def test_ties_in_a_ranking_are_settled_by_the_order_of_the_grid(self, store: Store) -> None:
        trials = [new_trial(rate / 10, epochs=1) for rate in (1, 2, 3)]
        launch = start(store, trials)
        for claim in claim_all(store, launch, trials):
            store.record(launch, list(epochs(claim, 1)), {})
        store.put_job("other", SPEC, SOURCE, trials[::-1])
        ids = [trial.trial_id for trial in trials]
        for highest in (True, False):
            for job, expected in ((JOB, ids), ("other", ids[::-1])):
                ranked = store.ranking(job, "val_loss", 3, highest=highest)
                assert [row.trial_id for row in ranked] == expected

    def test_a_metric_that_no_trial_has_ranks_none(self, store: Store) -> None:
        store.put_job(JOB, SPEC, SOURCE, grid())
        assert store.ranking(JOB, "val_acuracy", 5, highest=True) == []
        with pytest.raises(StoreError, match="is no name of a metric"):
            store.ranking(JOB, "$.x' OR 1", 5, highest=True)

    def test_a_trial_is_found_by_the_start_of_its_id(self, store: Store) -> None:
        trials = [new_trial(rate / 1000) for rate in range(1, 40)]
        store.put_job(JOB, SPEC, SOURCE, trials)
        wanted = trials[7].trial_id
        assert store.trial(wanted).trial_id == wanted
        assert store.trial(wanted[:20].upper()).trial_id == wanted
        with pytest.raises(StoreError, match="several"):
            store.trial("")
        for prefix in ("%", "_" * 64, wanted + "0", "'"):
            with pytest.raises(StoreError, match="no trial"):
                store.trial(prefix)

    def test_epochs_come_by_lineage_as_asked_and_epoch(self, store: Store) -> None:
        launch = start(store, grid())
        one, two = claim_all(store, launch, grid())
        store.record(launch, [*epochs(one, 2), *epochs(two, 1)], {})
        rows = store.epochs([two.lineage_id, one.lineage_id, two.lineage_id])
        assert [(row.lineage_id, row.epoch) for row in rows] == [
            *((two.lineage_id, number) for number in range(2)),
            *((one.lineage_id, number) for number in range(3)),
        ]
        report = epoch(two, 1)
        assert rows[1] == type(rows[1])(
            two.lineage_id,
            1,
            report.train_loss,
            report.train_accuracy,
            report.val_loss,
            report.val_accuracy,
            report.learning_rate,
            report.seconds,
        )
        assert store.job_epochs(JOB) == store.epochs([one.lineage_id, two.lineage_id])
        store.put_job("other", SPEC, SOURCE, grid()[2:])
        assert store.job_epochs("other") == store.epochs([two.lineage_id])

    def test_epochs_are_read_lineage_by_lineage_as_they_are_needed(self, store: Store) -> None:
        launch = start(store, grid())
        one, two = claim_all(store, launch, grid())
        store.record(launch, [*epochs(one, 1)], {})
        curves = store.iter_curves([one.lineage_id] * 600 + [two.lineage_id, "f" * 64, one.lineage_id])
        assert next(curves).rows == store.epochs([one.lineage_id])
        # Nobody who writes is kept waiting by a reader who takes his time.
        store.record(launch, [*epochs(two, 1)], {})
        *_, last, unknown, again = curves
        assert last.rows == store.epochs([two.lineage_id]) and last.epoch == (0, 1)
        assert (unknown.rows, again.rows) == ([], store.epochs([one.lineage_id]))

    def test_events_are_those_of_everything_a_job_or_a_trial(self, store: Store) -> None:
        trials = grid()
        launch = start(store, trials)
        one, two = claim_all(store, launch, trials)
        store.put_job("other", SPEC, SOURCE, trials)
        store.record(launch, [*epochs(one, 1), LineageFailed(one.lineage_id, 1, "boom", "")], {})
        store.close_launch(launch, "some_failed")
        every = store.events()
        assert [event.event_id for event in every] == sorted(event.event_id for event in every)
        assert {event.job for event in store.events(job=JOB)} == {JOB}
        assert [event.kind for event in store.events(job="other")] == ["job_created"]
        own = store.events(trial_id=trials[1].trial_id)
        assert [event.kind for event in own] == ["enqueued", "claimed", "running", "failed", "failed"]
        assert {event.trial_id for event in own} == {None, trials[1].trial_id}
        assert own[3].detail == {"error": "boom", "log": None}
        assert store.events(trial_id="f" * 64) == []
        assert store.events(limit=2) == every[-2:] and store.events(limit=0) == []
        assert {event.launch_id for event in every if event.lineage_id == two.lineage_id} == {launch}

    def test_every_change_of_a_trial_is_an_event(self, store: Store) -> None:
        trial = new_trial(epochs=1)
        launch = start(store, [trial])
        claim_all(store, launch, [trial])
        store.release(launch)
        (claim,) = claim_all(store, launch, [trial])
        store.record(launch, [LineageFailed(claim.lineage_id, 2, "error", "")], {})
        store.reopen(JOB, [FAILED])
        (claim,) = claim_all(store, launch, [trial])
        store.record(launch, [*epochs(claim, 1), LineageFinished(claim.lineage_id, 3)], {})
        kinds = [e.kind for e in store.events() if e.trial_id == trial.trial_id]
        assert kinds == ["running", "pending", "running", "failed", "pending", "running", "completed"]

    def test_what_is_handed_out_is_a_copy(self, store: Store) -> None:
        spec = {"axes": [1]}
        store.put_job(JOB, spec, SOURCE, grid())
        spec["axes"].append(2)
        store.job(JOB).spec["axes"].append(3)
        store.trials(JOB).clear()
        assert store.job(JOB).spec == {"axes": [1]}
        assert len(store.trials(JOB)) == 4

    def test_a_closed_store_says_so(self, store: Store) -> None:
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.jobs()
        with pytest.raises(StoreError, match="closed"):
            store.verify()

    def test_an_empty_store_is_sound_and_empty(self, store: Store) -> None:
        assert store.verify() == []
        assert store.jobs() == store.trials() == store.events() == store.open_launches() == []
