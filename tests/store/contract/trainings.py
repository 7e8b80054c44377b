"""The contract of a store: what trained a lineage."""

from __future__ import annotations

from dataclasses import replace

from gridsearch.config.events import LineageFinished
from gridsearch.store.contract import Store
from tests.store.grids import JOB, claim_all, epochs, grid, new_trial, placed, start


class TrainingContract:
    def test_what_trained_a_lineage_is_noted_once_for_each_formation(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2, 0.3], epochs=[4])
        launch = start(store, trials)
        claims = claim_all(store, launch, trials)
        before = store.events()
        together = list(placed(claims))
        events = [*together, *(report for claim in claims for report in epochs(claim, 1))]
        assert store.record(launch, events, {}).refused == 0
        apart = [*placed(claims[:1], "alone", first=2), *placed(claims[1:], "stacked", first=2)]
        # The lineages of one formation may report one after another.
        for report in apart:
            store.record(launch, [report], {})
        assert [event.kind for event in store.events()] == [event.kind for event in before]
        for place, claim in enumerate(claims):
            first, then = store.trainings(claim.lineage_id)
            assert (first.formation, then.formation) == (together[0].formation, apart[place].formation)
            assert (first.epoch, first.recorded, first.attempt) == (0, -1, 1)
            assert (then.epoch, then.recorded, then.attempt) == (2, 1, 1)
        assert store.trainings("f" * 64) == []
        assert store.job_trainings(JOB) == [row for claim in claims for row in store.trainings(claim.lineage_id)]
        start(store, trials[:1], job="part")
        assert store.job_trainings("part") == store.trainings(claims[0].lineage_id)
        assert store.verify() == []

    def test_what_a_worker_that_was_given_up_says_of_itself_is_refused(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2], epochs=[4])
        launch = start(store, trials)
        first, second = claim_all(store, launch, trials)
        store.release(launch, [second.lineage_id])
        (again,) = claim_all(store, launch, trials[1:])
        outcome = store.record(launch, list(placed([first, second])), {})
        assert (outcome.accepted, outcome.refused) == (1, 1)
        assert store.trainings(second.lineage_id) == []
        # It stands in the other's formation all the same: that had its shape.
        (training,) = store.trainings(first.lineage_id)
        assert [one.lineage_id for one in training.formation.places] == [first.lineage_id, second.lineage_id]
        store.record(launch, [*placed([again], "alone")], {})
        assert [row.attempt for row in store.trainings(second.lineage_id)] == [again.attempt]
        assert store.verify() == []

    def test_a_formation_of_before_an_end_is_no_part_of_the_result(self, store: Store) -> None:
        trials = [new_trial(0.1, 1)]
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        events = [*placed([claim], "alone"), *epochs(claim, 1), LineageFinished(claim.lineage_id, 1)]
        store.record(launch, events, {})
        late = list(placed([replace(claim, attempt=1)], "alone"))
        assert store.record(launch, late, {}).refused == 1
        assert len(store.trainings(claim.lineage_id)) == 1

    def test_configurations_are_those_of_the_longest_trials(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2], epochs=[3, 1])
        start(store, trials)
        asked = [trials[0].lineage_id, "f" * 64]
        assert store.configs(asked) == {trials[0].lineage_id: trials[0].config}
