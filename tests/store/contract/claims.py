"""The contract of a store: claims."""

from __future__ import annotations

from gridsearch.config.events import Formation, LineageFinished, LineagePlaced
from gridsearch.store.contract import Store
from tests.store.contract.states import PENDING, RUNNING
from tests.store.grids import JOB, SOURCE, SPEC, claim_all, epoch, epochs, grid, new_trial, start


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

    def test_what_waits_for_a_worker_is_with_none(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2, 0.3])
        store.put_job(JOB, SPEC, SOURCE, trials)
        launch = store.open_launch(JOB, "host", 2, 1.0, 1)
        first, second, third = (trial.lineage_id for trial in trials[::2])
        for lineage in (second, first, third):
            store.claim(launch, {lineage: 3})
        assert [one.lineage_ids for one in store.at_work(JOB)] == [(second,)]
        store.release(launch, [second])
        assert [one.lineage_ids for one in store.at_work(JOB)] == [(first,)]

    def test_what_is_claimed_together_is_heard_of_together(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2, 0.3])
        launch = start(store, trials)
        first, second, third = (trial.lineage_id for trial in trials[::2])
        pair = store.claim(launch, {first: 3, second: 3})
        store.claim(launch, {third: 3})
        before = {one.lineage_ids: one.heard_at for one in store.at_work(JOB)}
        assert list(before) == [(first, second), (third,)]
        store.record(launch, [epoch(pair[1], 0)], {})
        after = {one.lineage_ids: one for one in store.at_work(JOB)}
        assert after[first, second].heard_at > before[first, second]
        assert after[third,].heard_at == before[third,]
        assert {one.launch_id for one in after.values()} == {launch}
        store.release(launch, [first, second])
        assert [one.lineage_ids for one in store.at_work(JOB)] == [(third,)]
        store.record(launch, [LineagePlaced(third, 1, 0, Formation("alone", "x86_64", 1, "2.0", ()))], {})
        assert store.at_work(JOB)[0].heard_at > before[third,]
        store.close_launch(launch, "lost")
        assert store.at_work(JOB) == []

    def test_what_nobody_holds_can_be_kept_from_being_claimed(self, store: Store) -> None:
        trials = grid()
        launch = start(store, trials)
        held, free = trials[0].lineage_id, trials[2].lineage_id
        store.claim(launch, {held: 3})
        with store.unclaimed([held, free, "f" * 64]) as found:
            row = found[free]
            assert row is not None and (row.lineage_id, row.launch_id) == (free, None)
            assert (set(found), found["f" * 64]) == ({free, "f" * 64}, None)
        assert store.verify() == []
        store.release(launch)
        with store.unclaimed([held]) as found:
            assert set(found) == {held}
        assert [claim.lineage_id for claim in store.claim(launch, {held: 3})] == [held]
