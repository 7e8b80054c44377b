"""The contract of a store: launches."""

from __future__ import annotations

import pytest

from gridsearch.errors import LaunchClosedError, StoreError
from gridsearch.store.contract import Store
from gridsearch.store.rows import Origin
from tests.store.contract.states import COMPLETED, PENDING
from tests.store.grids import JOB, claim_all, epochs, grid, start


class LaunchContract:
    def test_a_launch_is_open_until_it_is_closed(self, store: Store) -> None:
        launch = start(store, grid())
        (row,) = store.open_launches()
        assert (row.launch_id, row.job, row.host, row.pid_started) == (launch, JOB, "host", 12.5)
        assert (row.beat, row.workers, row.ended_at, row.outcome) == (0, 2, None, None)
        assert row.started_at.tzinfo is not None
        store.close_launch(launch, "complete")
        assert store.open_launches() == []

    def test_the_launches_of_a_job_are_listed_with_their_ends(self, store: Store) -> None:
        first = start(store, grid())
        other = start(store, grid(), job="another")
        store.close_launch(first, "interrupted")
        second = store.open_launch(JOB, "host", 1, 1.0, 1)
        found = store.launches(JOB)
        assert [(row.launch_id, row.outcome) for row in found] == [(first, "interrupted"), (second, None)]
        assert found[0].ended_at is not None and found[0].ended_at >= found[0].started_at
        assert [row.launch_id for row in store.launches("another")] == [other]
        with pytest.raises(StoreError, match="no job"):
            store.launches("none")

    def test_where_its_process_is_seen_is_kept(self, store: Store) -> None:
        start(store, grid())
        store.open_launch(JOB, "host", 1, 1.0, 1, "a boot pid:[1]")
        assert [row.process_table for row in store.open_launches()] == [None, "a boot pid:[1]"]

    def test_where_it_came_from_is_kept_and_verified(self, store: Store) -> None:
        start(store, grid())
        versions = (("gridsearch", "0.1.0"), ("Python", "3.11.7"), ("torch", "2.4.0+cpu"))
        known = Origin("gridsearch launch 'caf\udce9.yaml'", "a" * 40, clean=True, versions=versions)
        store.close_launch(store.open_launch(JOB, "host", 1, 1.0, 1, origin=known), "complete")
        store.open_launch(JOB, "host", 1, 1.0, 1, origin=Origin(commit="b" * 64, clean=False))
        first, second, third = (row.origin for row in store.launches(JOB))
        assert first == Origin() and third == Origin(None, "b" * 64, clean=False)
        assert second == Origin("gridsearch launch 'caf\\udce9.yaml'", "a" * 40, clean=True, versions=versions)
        assert store.verify() == []

    def test_a_launch_that_beat_since_it_was_looked_at_is_not_given_up(self, store: Store) -> None:
        launch = start(store, grid())
        claim_all(store, launch, grid())
        seen = store.open_launches()[0].beat
        store.beat(launch)
        assert not store.give_up_launch(launch, seen)
        assert [row.launch_id for row in store.open_launches()] == [launch]
        assert store.give_up_launch(launch, seen + 1)
        assert not store.give_up_launch(launch, seen + 1)
        assert store.open_launches() == []
        assert set(store.counts(JOB)) == {PENDING}
        assert [e.detail for e in store.events() if e.kind == "launch_closed"] == [{"outcome": "lost"}]

    def test_waiting_may_be_bounded_where_nothing_is_locked(self, store: Store) -> None:
        launch = start(store, grid())
        with store.waiting_at_most(0.0):
            store.beat(launch)

    def test_a_launch_needs_a_job(self, store: Store) -> None:
        with pytest.raises(StoreError, match="no job"):
            store.open_launch(JOB, "host", 1, 1.0, 1)

    def test_a_beat_is_counted_and_is_no_event(self, store: Store) -> None:
        launch = start(store, grid())
        before = store.events()
        store.beat(launch)
        store.beat(launch)
        row = store.open_launches()[0]
        assert row.beat == 2 and row.beat_at is not None and row.beat_at >= row.started_at
        assert store.events() == before

    def test_a_closed_launch_can_neither_beat_nor_claim_and_keeps_its_outcome(self, store: Store) -> None:
        launch = start(store, grid())
        store.close_launch(launch, "lost")
        for act in (lambda: store.beat(launch), lambda: claim_all(store, launch, grid())):
            with pytest.raises(LaunchClosedError, match="closed"):
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
