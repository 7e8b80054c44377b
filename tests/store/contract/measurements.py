"""The contract of a store: what is remembered of strategies of training and of models."""

from __future__ import annotations

from dataclasses import replace

from gridsearch.config.events import ModelSize, StrategyMeasured
from gridsearch.store.contract import Store
from tests.store.grids import grid, start

ONE = StrategyMeasured("a 'machine'", "f" * 64, "stacked", 16, 4, 0.00125)


class MeasurementContract:
    def test_what_was_measured_is_remembered_by_machine_workload_and_strategy(self, store: Store) -> None:
        others = [
            replace(ONE, machine="b"),
            replace(ONE, workload="e" * 64),
            replace(ONE, strategy="alone", seconds=None),
        ]
        store.remember([ONE, *others])
        assert sorted(store.measured(), key=repr) == sorted([ONE, *others], key=repr)

    def test_a_newer_measurement_replaces_the_older(self, store: Store) -> None:
        store.remember([ONE])
        store.remember([replace(ONE, seconds=0.5), replace(ONE, seconds=0.25)])
        assert store.measured() == [replace(ONE, seconds=0.25)]

    def test_it_is_no_event_and_nothing_that_verify_checks(self, store: Store) -> None:
        before = store.events()
        store.remember([ONE])
        assert store.events() == before
        assert store.verify() == []

    def test_sizes_of_models_are_noted_once_and_shown_with_their_trials(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.01], epochs=[1, 3])
        start(store, trials)
        before = store.events()
        store.note_sizes({trials[0].lineage_id: ModelSize(650, 640), "f" * 64: ModelSize(1, 1)})
        store.note_sizes({trials[0].lineage_id: ModelSize(2, 2)})
        assert [(row.parameters, row.macs) for row in store.trials()] == [(650, 640)] * 2 + [(None, None)] * 2
        row = store.lineages([trials[0].lineage_id])[trials[0].lineage_id]
        assert (row.parameters, row.macs) == (650, 640)
        assert store.events() == before
        assert store.verify() == []
