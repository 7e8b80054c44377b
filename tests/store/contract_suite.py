"""The contract of a store as tests: a store passes when a subclass with its own `store` fixture passes.

Each test ends with `verify() == []`, which the fixture of the subclass must check.
"""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta

import pytest

from gridsearch.errors import StoreError
from gridsearch.spec.outcomes import LineageDiverged, LineageFailed, LineageFinished, TrialState
from gridsearch.store.contract import Store
from gridsearch.store.rows import NewTrial, TrialRow
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, epochs, grid, new_trial, start

PENDING, RUNNING = TrialState.PENDING, TrialState.RUNNING
COMPLETED, DIVERGED, FAILED = TrialState.COMPLETED, TrialState.DIVERGED, TrialState.FAILED


def state_of(store: Store, trial: NewTrial) -> TrialState:
    return store.states([trial.trial_id])[trial.trial_id]


def row_of(store: Store, trial: NewTrial) -> TrialRow:
    return store.trial(trial.trial_id)


class PutJobContract:
    def test_new_trials_are_pending_in_the_order_of_the_grid(self, store: Store) -> None:
        trials = grid(rates=(0.3, 0.1, 0.2))
        job = store.put_job(JOB, SPEC, SOURCE, trials)
        assert (job.name, job.revision, job.spec, job.source) == (JOB, 1, SPEC, SOURCE)
        assert job.created_at == job.updated_at
        assert timedelta() <= datetime.now(UTC) - job.created_at < timedelta(minutes=1)
        assert [row.trial_id for row in store.trials(JOB)] == [trial.trial_id for trial in trials]
        assert {row.state for row in store.trials(JOB)} == {PENDING}
        assert row_of(store, trials[0]) == TrialRow(
            trials[0].trial_id, trials[0].lineage_id, 1, trials[0].config, PENDING, 0, *[None] * 9
        )

    def test_an_unchanged_job_keeps_its_revision_and_leaves_no_event(self, store: Store) -> None:
        job = store.put_job(JOB, SPEC, SOURCE, grid())
        before = store.events()
        assert store.put_job(JOB, dict(SPEC), SOURCE, grid()) == job
        assert store.events() == before

    def test_a_spec_of_tuples_is_the_same_as_one_of_lists(self, store: Store) -> None:
        store.put_job(JOB, {"values": (1, 2)}, SOURCE, grid())
        assert store.put_job(JOB, {"values": [1, 2]}, SOURCE, grid()).revision == 1

    @pytest.mark.parametrize("change", ["spec", "source", "grid", "order"])
    def test_a_changed_job_has_a_new_revision_and_an_event_keeps_the_old(self, store: Store, change: str) -> None:
        trials = grid()
        old = store.put_job(JOB, SPEC, SOURCE, trials)
        spec = SPEC | {"model": "deep"} if change == "spec" else SPEC
        source = SOURCE + "seed: 1\n" if change == "source" else SOURCE
        trials = {"grid": trials[:2], "order": trials[::-1]}.get(change, trials)
        new = store.put_job(JOB, spec, source, trials)
        assert (new.revision, new.spec, new.source) == (2, spec, source)
        assert new.created_at == old.created_at <= new.updated_at
        event = store.events(job=JOB)[-1]
        assert event.kind == "job_revised"
        assert event.detail["before"] == {"revision": 1, "spec": SPEC, "source": SOURCE}
        assert [row.trial_id for row in store.trials(JOB)] == [trial.trial_id for trial in trials]

    def test_trials_that_left_the_grid_stay_and_may_return(self, store: Store) -> None:
        trials = grid()
        store.put_job(JOB, SPEC, SOURCE, trials)
        store.put_job(JOB, SPEC, SOURCE, trials[:1])
        assert store.counts(JOB) == {PENDING: 1}
        assert len(store.trials()) == len(trials)
        store.put_job(JOB, SPEC, SOURCE, trials)
        assert store.counts(JOB) == {PENDING: len(trials)}
        assert [event.detail["trials"] for event in store.events() if event.kind == "enqueued"] == [4]

    def test_a_trial_at_several_positions_is_a_member_once_at_its_first(self, store: Store) -> None:
        one, two = new_trial(0.1), new_trial(0.2)
        store.put_job(JOB, SPEC, SOURCE, [one, two, one])
        assert [row.trial_id for row in store.trials(JOB)] == [one.trial_id, two.trial_id]
        assert store.put_job(JOB, SPEC, SOURCE, [one, two]).revision == 1

    def test_two_jobs_share_their_trials(self, store: Store) -> None:
        launch = start(store, grid())
        (claim, *_) = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claim, 3)), {})
        store.put_job("other", SPEC, SOURCE, grid()[::-1])
        assert store.counts("other") == {RUNNING: 2, COMPLETED: 2}
        assert len(store.trials()) == 4
        store.close_launch(launch, "interrupted")

    def test_a_new_trial_whose_lineage_has_its_epoch_is_completed_at_once(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=3)])
        (claim,) = claim_all(store, launch, [new_trial(epochs=3)])
        store.record(launch, [*epochs(claim, 3), LineageFinished(claim.lineage_id, 1)], {})
        store.put_job(JOB, SPEC, SOURCE, [new_trial(epochs=length) for length in (2, 3, 4)])
        short, _, long = store.trials(JOB)
        assert (short.state, long.state) == (COMPLETED, PENDING)
        assert short.val_accuracy == epoch(claim, 2).val_accuracy
        assert short.seconds == pytest.approx(0.1 + 0.2 + 0.3)
        assert short.attempt == claim.attempt

    def test_a_new_trial_whose_lineage_diverged_by_then_is_diverged_at_once(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=9)])
        (claim,) = claim_all(store, launch, [new_trial(epochs=9)])
        store.record(launch, [*epochs(claim, 2), LineageDiverged(claim.lineage_id, 1, 3)], {})
        store.put_job(JOB, SPEC, SOURCE, [new_trial(epochs=length) for length in (2, 3, 12)])
        assert [(row.state, row.diverged_epoch) for row in store.trials(JOB)] == [
            (COMPLETED, None),
            (DIVERGED, 3),
            (DIVERGED, 3),
        ]

    def test_a_trial_completed_at_once_has_the_attempt_of_its_epoch(self, store: Store) -> None:
        launch = start(store, [new_trial(epochs=9)])
        for attempt in (1, 2):
            (claim,) = claim_all(store, launch, [new_trial()])
            store.record(launch, list(epochs(claim, 3 * attempt)), {})
            store.release(launch)
        store.put_job(JOB, SPEC, SOURCE, [new_trial(epochs=length) for length in (3, 4)])
        assert [row.attempt for row in store.trials(JOB)] == [1, 2]

    def test_a_trial_already_there_keeps_its_state_and_numbers(self, store: Store) -> None:
        launch = start(store, grid())
        claims = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claims[0], 1)), {})
        before = store.trials(JOB)
        store.put_job(JOB, SPEC, "changed", grid())
        assert store.trials(JOB) == before

    def test_a_trial_that_is_not_the_hash_of_its_configuration_is_refused(self, store: Store) -> None:
        wrong = dataclasses.replace(new_trial(), config=new_trial(0.5).config)
        with pytest.raises(StoreError, match="not the hash"):
            store.put_job(JOB, SPEC, SOURCE, [new_trial(0.7), wrong])
        assert store.jobs() == [] and store.trials() == [] and store.events() == []

    def test_a_job_without_trials_is_a_job(self, store: Store) -> None:
        store.put_job(JOB, {}, "", [])
        assert store.counts(JOB) == {} and store.trials(JOB) == [] and store.job_epochs(JOB) == []

    def test_odd_text_comes_back_verbatim(self, store: Store) -> None:
        name = "'; DROP TABLE jobs; -- <b>é\N{SNOWMAN}\t%s ? \x00 \U0001f600"
        store.put_job(name, {name: [name, None, 1e-300, True]}, name, grid())
        assert store.job(name).spec == {name: [name, None, 1e-300, True]}
        assert store.job(name).source == name
        assert store.jobs()[0].name == name

    def test_text_that_no_database_can_encode_is_kept_as_its_escape(self, store: Store) -> None:
        store.put_job("caf\udce9", {}, "\ud800", grid())
        assert store.job("caf\udce9").name == "caf\\udce9"
        assert store.put_job("caf\udce9", {}, "\ud800", grid()).revision == 1

    def test_jobs_are_listed_last_updated_first(self, store: Store) -> None:
        for name in ("a", "b", "c"):
            store.put_job(name, SPEC, SOURCE, grid())
        store.put_job("b", SPEC, "changed", grid())
        store.put_job("a", SPEC, SOURCE, grid())
        assert [job.name for job in store.jobs()] == ["b", "c", "a"]

    def test_an_unknown_job_is_answered_with_the_nearest(self, store: Store) -> None:
        with pytest.raises(StoreError, match="holds no jobs"):
            store.job(JOB)
        store.put_job(JOB, SPEC, SOURCE, grid())
        for ask in (store.job, store.counts, store.trials, store.job_epochs, lambda j: store.events(job=j)):
            with pytest.raises(StoreError, match=r"no job 'shalow'.*did you mean 'shallow'"):
                ask("shalow")


class LaunchContract:
    def test_a_launch_is_open_until_it_is_closed(self, store: Store) -> None:
        launch = start(store, grid())
        (row,) = store.open_launches()
        assert (row.launch_id, row.job, row.host, row.pid_started) == (launch, JOB, "host", 12.5)
        assert (row.beat, row.workers, row.ended_at, row.outcome) == (0, 2, None, None)
        assert row.started_at.tzinfo is not None
        store.close_launch(launch, "complete")
        assert store.open_launches() == []

    def test_a_launch_needs_a_job(self, store: Store) -> None:
        with pytest.raises(StoreError, match="no job"):
            store.open_launch(JOB, "host", 1, 1.0, 1)

    def test_a_beat_is_counted_and_is_no_event(self, store: Store) -> None:
        launch = start(store, grid())
        before = store.events()
        store.beat(launch)
        store.beat(launch)
        assert store.open_launches()[0].beat == 2
        assert store.events() == before

    def test_a_closed_launch_can_neither_beat_nor_claim_and_keeps_its_outcome(self, store: Store) -> None:
        launch = start(store, grid())
        store.close_launch(launch, "lost")
        for act in (lambda: store.beat(launch), lambda: claim_all(store, launch, grid())):
            with pytest.raises(StoreError, match="closed"):
                act()
        store.close_launch(launch, "interrupted")
        assert [e.detail for e in store.events() if e.kind == "launch_closed"] == [{"outcome": "lost"}]

    def test_closing_releases_every_claim(self, store: Store) -> None:
        launch = start(store, grid())
        claims = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claims[0], 1)), {})
        store.close_launch(launch, "interrupted")
        assert store.counts(JOB) == {PENDING: 3, COMPLETED: 1}
        assert {row.launch_id for row in store.lineages([c.lineage_id for c in claims]).values()} == {None}

    def test_an_unknown_launch_or_outcome_is_an_error(self, store: Store) -> None:
        launch = start(store, grid())
        with pytest.raises(StoreError, match="valid: complete, some_failed, interrupted, lost"):
            store.close_launch(launch, "ok")
        for act in (store.beat, store.release, lambda i: store.close_launch(i, "lost")):
            with pytest.raises(StoreError, match="no launch 99"):
                act(99)


class ClaimContract:
    def test_a_claim_raises_the_attempt_and_makes_open_trials_run(self, store: Store) -> None:
        trials = grid(epochs=(1, 3, 9))
        launch = start(store, trials)
        (one, two) = claim_all(store, launch, trials, target=3)
        assert (one.lineage_id, one.attempt, one.recorded_epoch, one.target_epochs) == (
            trials[0].lineage_id,
            1,
            -1,
            3,
        )
        assert two.lineage_id == trials[3].lineage_id
        assert [row.state for row in store.trials(JOB)] == [RUNNING, RUNNING, PENDING] * 2
        assert [row.attempt for row in store.trials(JOB)] == [1, 1, 0] * 2
        assert store.lineages([one.lineage_id])[one.lineage_id].launch_id == launch

    def test_a_lineage_is_claimed_once(self, store: Store) -> None:
        launch = start(store, grid())
        other = store.open_launch(JOB, "host", 2, 1.0, 1)
        assert len(store.claim(launch, {grid()[0].lineage_id: 3})) == 1
        obtained = claim_all(store, other, grid())
        assert [claim.lineage_id for claim in obtained] == [grid()[2].lineage_id]
        assert claim_all(store, launch, grid()) == []

    def test_the_order_of_targets_is_kept(self, store: Store) -> None:
        trials = [new_trial(rate / 100) for rate in range(1, 30)]
        launch = start(store, trials)
        names = [trial.lineage_id for trial in reversed(trials)]
        assert [c.lineage_id for c in store.claim(launch, dict.fromkeys(names, 2))] == names

    def test_a_lineage_without_open_trials_within_its_target_is_not_claimed(self, store: Store) -> None:
        trials = [new_trial(epochs=3)]
        launch = start(store, trials)
        assert claim_all(store, launch, trials, target=2) == []
        assert store.lineages([trials[0].lineage_id])[trials[0].lineage_id].attempt == 0
        (claim,) = claim_all(store, launch, trials, target=3)
        store.record(launch, [*epochs(claim, 3), LineageFinished(claim.lineage_id, 1)], {})
        assert claim_all(store, launch, trials) == []

    def test_unknown_lineages_and_no_lineages_are_not_claimed(self, store: Store) -> None:
        launch = start(store, grid())
        assert store.claim(launch, {"f" * 64: 3}) == [] and store.claim(launch, {}) == []

    def test_a_claim_says_what_is_recorded(self, store: Store) -> None:
        launch = start(store, grid())
        claims = claim_all(store, launch, grid())
        store.record(launch, list(epochs(claims[0], 2)), {})
        store.release(launch)
        again = claim_all(store, launch, grid())
        assert [(claim.attempt, claim.recorded_epoch) for claim in again] == [(2, 2), (2, -1)]

    def test_releasing_makes_running_trials_pending(self, store: Store) -> None:
        launch = start(store, grid())
        claims = claim_all(store, launch, grid())
        assert store.release(launch, [claims[1].lineage_id, "f" * 64]) == 2
        assert [row.state for row in store.trials(JOB)] == [RUNNING, RUNNING, PENDING, PENDING]
        assert store.release(launch) == 2
        assert store.release(launch) == 0
        assert store.counts(JOB) == {PENDING: 4}

    def test_a_launch_releases_only_its_own_claims(self, store: Store) -> None:
        launch = start(store, grid())
        other = store.open_launch(JOB, "host", 2, 1.0, 1)
        claims = claim_all(store, launch, grid())
        assert store.release(other, [claims[0].lineage_id]) == 0
        assert store.release(other) == 0
        store.close_launch(other, "complete")
        assert store.counts(JOB) == {RUNNING: 4}


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


class ReopenContract:
    def fail(self, store: Store, trials: list[NewTrial], target: int = 100) -> int:
        launch = start(store, trials)
        claims = claim_all(store, launch, trials, target)
        store.record(launch, [LineageFailed(c.lineage_id, c.attempt, "error", "") for c in claims], {})
        return launch

    def test_failed_trials_become_pending_again_without_their_error(self, store: Store) -> None:
        self.fail(store, grid())
        assert store.reopen(JOB, [FAILED, TrialState.CANCELLED]) == 4
        assert store.counts(JOB) == {PENDING: 4}
        row = store.trials(JOB)[0]
        assert (row.error, row.log, row.finished_at) == (None, None, None)
        assert store.reopen(JOB, [FAILED]) == 0

    def test_trials_of_other_jobs_are_left_alone(self, store: Store) -> None:
        self.fail(store, grid())
        store.put_job("other", SPEC, SOURCE, grid()[:1])
        assert store.reopen("other", [FAILED]) == 1
        assert store.counts(JOB) == {PENDING: 1, FAILED: 3}

    def test_a_failed_trial_is_not_claimed_unless_reopened(self, store: Store) -> None:
        launch = self.fail(store, grid())
        assert claim_all(store, launch, grid()) == []
        store.reopen(JOB, [FAILED])
        assert [claim.attempt for claim in claim_all(store, launch, grid())] == [2, 2]

    def test_a_trial_whose_lineage_got_the_answer_since_is_settled(self, store: Store) -> None:
        trials = [new_trial(epochs=1), new_trial(epochs=3)]
        launch = self.fail(store, trials, target=1)
        (claim,) = claim_all(store, launch, trials)
        store.record(launch, list(epochs(claim, 3)), {})
        assert store.counts(JOB) == {COMPLETED: 1, FAILED: 1}
        assert store.reopen(JOB, [FAILED]) == 1
        assert store.counts(JOB) == {COMPLETED: 2}
        assert row_of(store, trials[0]).attempt == 2

    @pytest.mark.parametrize("state", sorted(set(TrialState) - {FAILED, TrialState.CANCELLED}))
    def test_other_states_cannot_be_reopened(self, store: Store, state: TrialState) -> None:
        store.put_job(JOB, SPEC, SOURCE, grid())
        with pytest.raises(StoreError, match=f"not {state}"):
            store.reopen(JOB, [FAILED, state])


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

    def test_ranking_needs_a_metric_that_there_is(self, store: Store) -> None:
        store.put_job(JOB, SPEC, SOURCE, grid())
        with pytest.raises(StoreError, match="did you mean 'val_accuracy'"):
            store.ranking(JOB, "val_acuracy", 5, highest=True)

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


class StoreContract(PutJobContract, LaunchContract, ClaimContract, RecordContract, ReopenContract, ReadingContract):
    """All of it."""
