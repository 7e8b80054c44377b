"""The contract of a store: putting jobs."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from gridsearch.config.events import LineageDiverged, LineageFinished
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from gridsearch.store.rows import TrialRow
from tests.store.contract.states import COMPLETED, DIVERGED, PENDING, RUNNING, row_of
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, epochs, grid, new_trial, start


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
        assert len(store.trials()) == store.number_of_trials() == len(trials)
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
