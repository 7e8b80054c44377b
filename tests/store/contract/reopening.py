"""The contract of a store: reopening trials."""

from __future__ import annotations

import pytest

from gridsearch.config.events import LineageFailed, TrialState
from gridsearch.errors import StoreError
from gridsearch.store.contract import Store
from gridsearch.store.rows import NewTrial
from tests.store.contract.states import COMPLETED, FAILED, PENDING, row_of
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epochs, grid, new_trial, start


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

    def test_only_those_asked_for_are_reopened(self, store: Store) -> None:
        self.fail(store, grid())
        first = store.trials(JOB)[0].trial_id
        assert store.reopen(JOB, [FAILED], among=[first, "0" * 64]) == 1
        assert {row.trial_id for row in store.trials(JOB) if row.state == PENDING} == {first}
        assert store.reopen(JOB, [FAILED], among=[]) == 0

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
