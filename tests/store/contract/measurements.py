"""The contract of a store: what is remembered of forms of training."""

from __future__ import annotations

from dataclasses import replace

from gridsearch.spec.outcomes import FormMeasured
from gridsearch.store.contract import Store

ONE = FormMeasured("a 'machine'", "f" * 64, "stacked", 16, 4, 0.00125)


class MeasurementContract:
    def test_what_was_measured_is_remembered_by_machine_workload_and_form(self, store: Store) -> None:
        others = [replace(ONE, machine="b"), replace(ONE, workload="e" * 64), replace(ONE, form="alone", seconds=None)]
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
