"""The contract of a store: recording what workers report."""

from __future__ import annotations

import dataclasses
import math

import pytest

from gridsearch.config.events import LineageDiverged, LineageFailed, LineageFinished, LineageStopped
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from tests.store.contract.states import COMPLETED, DIVERGED, FAILED, PENDING, RUNNING, STOPPED, row_of, state_of
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, epochs, grid, new_trial, start


class RecordContract:
    def test_an_epoch_completes_the_trials_of_that_many_epochs(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 3))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        outcome = store.record(launch, list(epochs(claim, 2)), {})
        assert (outcome.accepted, outcome.refused) == (3, 0)
        assert outcome.finished == [row_of(store, trials[0])]
        row = outcome.finished[0]
        assert (row.state, row.attempt) == (COMPLETED, 1)
        report = epoch(claim, 1)
        assert (row.train_loss, row.train_accuracy) == (report.train_loss, report.train_accuracy)
        assert (row.val_loss, row.val_accuracy) == (report.val_loss, report.val_accuracy)
        assert row.seconds == pytest.approx(0.1 + 0.2)
        assert row.finished_at is not None and row.finished_at.tzinfo is not None
        assert state_of(store, trials[1]) == RUNNING
        assert store.lineages([claim.lineage_id])[claim.lineage_id].epoch == 2

    def test_a_stop_ends_the_longer_trials_with_the_numbers_of_its_epoch(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 2, 5))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        outcome = store.record(launch, [*epochs(claim, 2), LineageStopped(claim.lineage_id, claim.attempt, 2)], {})
        assert outcome.refused == 0
        assert [(row.state, row.stopped_epoch) for row in store.trials()] == [
            (COMPLETED, None),
            (COMPLETED, None),
            (STOPPED, 2),
        ]
        assert row_of(store, trials[2]).val_loss == epoch(claim, 2).val_loss
        assert row_of(store, trials[2]).seconds == pytest.approx(0.1 + 0.2 + 0.3)
        lineage = store.lineages([claim.lineage_id])[claim.lineage_id]
        assert (lineage.stopped_epoch, lineage.launch_id, lineage.answered) == (2, None, True)
        # A trial that comes later has its answer at once.
        store.put_job(JOB, SPEC, SOURCE, [*trials, new_trial(0.1, 9)])
        assert state_of(store, new_trial(0.1, 9)) == STOPPED
        assert store.verify() == []

    @pytest.mark.parametrize("last", [-1, 0, 1, 3])
    def test_a_stop_elsewhere_than_at_the_last_epoch_is_a_defect(self, store: Store, last: int) -> None:
        trials = grid(rates=[0.1], epochs=(5,))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        store.record(launch, [*epochs(claim, 2 if last > 0 else last), LineageStopped(claim.lineage_id, 1, last)], {})
        assert state_of(store, trials[0]) == FAILED
        assert store.verify() == []

    def test_with_restore_best_a_trial_has_the_numbers_of_its_best_epoch(self, store: Store) -> None:
        trials = [new_trial(0.1, length, restore_best=True) for length in (1, 4, 9)]
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        losses = [0.1, 3.0, 1.0, 2.0, 2.5, 2.75]
        reports = [dataclasses.replace(epoch(claim, n), val_loss=loss) for n, loss in enumerate(losses)]
        store.record(launch, [*reports, LineageStopped(claim.lineage_id, 1, 5)], {})
        assert [(row.state, row.val_loss) for row in store.trials()] == [
            (COMPLETED, 3.0),
            (COMPLETED, 1.0),
            (STOPPED, 1.0),
        ]
        assert row_of(store, trials[1]).seconds == pytest.approx(sum(0.1 * n for n in range(1, 6)))
        assert store.verify() == []

    def test_an_epoch_recorded_before_stays_as_it_is(self, store: Store) -> None:
        launch = start(store, grid())
        (claim, _) = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claim, 2)), {})
        before = store.epochs([claim.lineage_id])
        outcome = store.record(launch, [epoch(claim, 1, loss=9.0), epoch(claim, 2, loss=9.0)], {})
        assert (outcome.accepted, outcome.refused, list(outcome.finished)) == (2, 0, [])
        assert store.epochs([claim.lineage_id]) == before

    def test_a_stale_attempt_changes_nothing_and_leaves_an_event(self, store: Store) -> None:
        launch = start(store, grid())
        (stale, _) = claim_all(store, launch, grid())
        store.release(launch)
        (claim, _) = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claim, 0)), {})
        before = store.trials(), store.epochs([claim.lineage_id])
        late = [
            epoch(stale, 1),
            LineageDiverged(stale.lineage_id, 1, 1),
            LineageFinished(stale.lineage_id, 1),
        ]
        outcome = store.record(launch, late, {})
        assert (outcome.accepted, outcome.refused) == (0, 3)
        assert (store.trials(), store.epochs([claim.lineage_id])) == before
        refused = [event for event in store.events(job=JOB) if event.kind == "refused"]
        assert [event.detail for event in refused] == [
            {"what": "EpochRecord", "epoch": 1},
            {"what": "LineageDiverged", "epoch": 1},
            {"what": "LineageFinished", "epoch": None},
        ]
        assert {(event.lineage_id, event.attempt) for event in refused} == {(claim.lineage_id, 1)}

    def test_a_launch_that_was_given_up_and_wakes_changes_nothing(self, store: Store) -> None:
        launch = start(store, grid())
        claims = claim_all(store, launch, grid())
        store.close_launch(launch, "lost")
        other = store.open_launch(JOB, "host", 2, 1.0, 1)
        claim_all(store, other, grid())
        outcome = store.record(launch, [event for claim in claims for event in epochs(claim, 3)], {})
        assert (outcome.accepted, outcome.refused) == (0, 8)
        assert store.counts(JOB) == {RUNNING: 4}

    def test_another_launch_cannot_record_under_a_claim(self, store: Store) -> None:
        launch = start(store, grid())
        (claim, _) = claim_all(store, launch, grid())
        other = store.open_launch(JOB, "host", 2, 1.0, 1)
        assert store.record(other, [epoch(claim, 0)], {}).refused == 1
        assert store.epochs([claim.lineage_id]) == []

    def test_an_unknown_lineage_is_refused(self, store: Store) -> None:
        launch = start(store, grid())
        assert store.record(launch, [LineageFinished("f" * 64, 1)], {}).refused == 1
        assert store.events()[-1].detail["lineage_id"] == "f" * 64

    def test_a_diverged_lineage_takes_its_longer_trials_with_it(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 3, 4, 9))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials, target=4)
        reports = [*epochs(claim, 2), epoch(claim, 3, loss=math.nan), LineageDiverged(claim.lineage_id, 1, 3)]
        outcome = store.record(launch, reports, {})
        assert [row.state for row in store.trials(JOB)] == [COMPLETED, DIVERGED, DIVERGED, DIVERGED]
        assert [row.epochs for row in outcome.finished] == [1, 3, 4, 9]
        row = row_of(store, trials[2])
        assert (row.diverged_epoch, row.train_loss, row.val_loss) == (3, None, None)
        assert row.val_accuracy == epoch(claim, 3).val_accuracy
        assert row.seconds == pytest.approx(0.1 + 0.2 + 0.3 + 0.4)
        lineage = store.lineages([claim.lineage_id])[claim.lineage_id]
        assert (lineage.diverged_epoch, lineage.epoch, lineage.launch_id) == (3, 3, None)
        assert claim_all(store, launch, trials) == []

    def test_a_loss_that_is_not_finite_diverges_though_nobody_says_so(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 2))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        store.record(launch, [epoch(claim, 0), epoch(claim, 1, loss=math.inf)], {})
        assert store.counts(JOB) == {DIVERGED: 2}
        assert store.lineages([claim.lineage_id])[claim.lineage_id].launch_id == launch

    def test_of_several_divergences_the_earliest_counts(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(3, 4, 8))
        launch = start(store, trials)
        for expected, said in ((6, 6), (4, 4), (4, 5)):
            store.put_job(JOB, SPEC, SOURCE, trials)
            (claim,) = claim_all(store, launch, trials)
            store.record(launch, [*epochs(claim, 1), LineageDiverged(claim.lineage_id, claim.attempt, said)], {})
            assert store.lineages([claim.lineage_id])[claim.lineage_id].diverged_epoch == expected
        assert [(row.state, row.diverged_epoch) for row in store.trials(JOB)] == [
            (PENDING, None),
            (DIVERGED, 4),
            (DIVERGED, 6),
        ]

    def test_divergence_without_a_record_has_no_numbers(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=5)])
        (claim,) = claim_all(store, launch, [new_trial()])
        store.record(launch, [*epochs(claim, 1), LineageDiverged(claim.lineage_id, 1, 2)], {})
        (row,) = store.trials(JOB)
        assert (row.state, row.diverged_epoch, row.val_accuracy) == (DIVERGED, 2, None)
        assert row.seconds == pytest.approx(0.1 + 0.2)

    def test_numbers_that_are_not_finite_are_stored_as_none(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=5)])
        (claim,) = claim_all(store, launch, [new_trial()])
        odd = dataclasses.replace(epoch(claim, 0), train_loss=math.inf, val_loss=-math.inf, val_accuracy=math.nan)
        store.record(launch, [odd], {})
        (row,) = store.epochs([claim.lineage_id])
        assert (row.train_loss, row.val_loss, row.val_accuracy) == (None, None, None)
        assert row.train_accuracy == odd.train_accuracy

    def test_a_failed_lineage_fails_its_running_trials(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 3, 9))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials, target=3)
        failed = LineageFailed(claim.lineage_id, 1, "out of\nmemory \udce9", "Traceback ...")
        outcome = store.record(launch, [*epochs(claim, 1), failed], {claim.lineage_id: "logs/a.log"})
        assert [row.state for row in store.trials(JOB)] == [COMPLETED, FAILED, PENDING]
        row = row_of(store, trials[1])
        assert (row.error, row.log, row.attempt) == ("out of memory \\udce9", "logs/a.log", 1)
        assert row.finished_at is not None and row.val_loss is None and row.seconds is None
        assert [row.epochs for row in outcome.finished] == [1, 3]
        assert store.lineages([claim.lineage_id])[claim.lineage_id].launch_id is None

    def test_a_failure_without_message_or_log_is_one_all_the_same(self, store: Store) -> None:
        launch = start(store, [new_trial()])
        (claim,) = claim_all(store, launch, [new_trial()])
        store.record(launch, [LineageFailed(claim.lineage_id, 1, "", "")], {})
        assert row_of(store, new_trial()).error == "failed without a message"
        assert row_of(store, new_trial()).log is None

    @pytest.mark.parametrize("end", ["finished", "diverged", "failed"])
    def test_the_end_of_a_lineage_ends_the_claim(self, store: Store, end: str) -> None:
        launch = start(store, [new_trial(epochs=5)])
        (claim,) = claim_all(store, launch, [new_trial()])
        event = {
            "finished": LineageFinished(claim.lineage_id, 1),
            "diverged": LineageDiverged(claim.lineage_id, 1, 1),
            "failed": LineageFailed(claim.lineage_id, 1, "error", ""),
        }[end]
        outcome = store.record(launch, [epoch(claim, 0), event, epoch(claim, 1), event], {})
        assert (outcome.accepted, outcome.refused) == (2, 2)
        lineage = store.lineages([claim.lineage_id])[claim.lineage_id]
        assert (lineage.launch_id, lineage.epoch) == (None, 0)

    def test_a_lineage_that_ends_early_leaves_its_trials_pending(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=5)])
        (claim,) = claim_all(store, launch, [new_trial()])
        store.record(launch, [*epochs(claim, 2), LineageFinished(claim.lineage_id, 1)], {})
        assert store.counts(JOB) == {PENDING: 1}
        assert claim_all(store, launch, [new_trial()])[0].recorded_epoch == 2

    @pytest.mark.parametrize("defect", ["gap", "rate", "seconds", "negative"])
    def test_a_report_that_cannot_be_is_the_failure_of_its_lineage_alone(self, store: Store, defect: str) -> None:
        launch = start(store, grid())
        (bad, good) = claim_all(store, launch, grid())
        wrong = {
            "gap": epoch(bad, 2),
            "rate": dataclasses.replace(epoch(bad, 1), learning_rate=math.nan),
            "seconds": dataclasses.replace(epoch(bad, 1), seconds=math.inf),
            "negative": dataclasses.replace(epoch(bad, 1), epoch=-1),
        }[defect]
        store.record(launch, [epoch(bad, 0), epoch(good, 0), wrong, epoch(good, 1)], {})
        assert store.counts(JOB) == {RUNNING: 1, COMPLETED: 1, FAILED: 2}
        assert "defect in training" in (store.trials(JOB)[0].error or "")

    def test_the_events_of_many_lineages_may_be_mixed(self, store: Store) -> None:
        trials = grid(rates=[rate / 100 for rate in range(1, 40)], epochs=(1, 2))
        launch = start(store, trials)
        claims = claim_all(store, launch, trials)
        mixed = [epoch(claim, number) for number in range(3) for claim in claims]
        outcome = store.record(launch, [*mixed, *(LineageFinished(c.lineage_id, 1) for c in claims)], {})
        assert outcome.refused == 0
        assert [row.trial_id for row in outcome.finished] == [trial.trial_id for trial in trials]
        assert store.counts(JOB) == {COMPLETED: len(trials)}

    def test_a_trial_enqueued_while_its_lineage_runs_gets_the_answer_too(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=4)])
        (claim,) = claim_all(store, launch, [new_trial()])
        store.put_job("other", SPEC, SOURCE, [new_trial(epochs=2)])
        store.record(launch, list(epochs(claim, 2)), {})
        assert store.counts("other") == {COMPLETED: 1}

    def test_a_finished_trial_never_changes(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=1), new_trial(epochs=5)])
        (claim,) = claim_all(store, launch, [new_trial()])
        store.record(launch, list(epochs(claim, 1)), {})
        before = row_of(store, new_trial(epochs=1))
        store.record(launch, [epoch(claim, 1, loss=7.0), LineageDiverged(claim.lineage_id, 1, 1)], {})
        with pytest.raises(StoreError, match="only failed or cancelled"):
            store.reopen(JOB, [COMPLETED])
        store.put_job(JOB, SPEC, "changed", [new_trial(epochs=1)])
        assert row_of(store, new_trial(epochs=1)) == before

    def test_a_schedule_that_needs_the_total_shares_nothing(self, store: Store) -> None:
        trials = [new_trial(epochs=length, schedule="cosine") for length in (1, 2)]
        launch = start(store, trials)
        (short, long) = claim_all(store, launch, trials)
        store.record(launch, list(epochs(long, 2)), {})
        assert [row.state for row in store.trials(JOB)] == [RUNNING, COMPLETED]
        assert short.lineage_id != long.lineage_id

    def test_an_empty_batch_is_nothing(self, store: Store) -> None:
        launch = start(store, grid())
        before = store.events()
        outcome = store.record(launch, [], {})
        assert (outcome.accepted, outcome.refused, list(outcome.finished)) == (0, 0, [])
        assert store.events() == before
