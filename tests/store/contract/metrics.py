"""The contract of a store: metrics by any names, beside the four that have a field and without them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsearch.config.events import EpochMetrics, LineageDiverged, LineageFinished
from gridsearch.config.metrics import METRICS, metric_of, why_no_name
from gridsearch.store.contract import Store
from tests.store.contract.states import COMPLETED, DIVERGED, FAILED, row_of, state_of
from tests.store.grids import JOB, claim_all, epoch, grid, new_trial, start

_COUNT = count(2)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda name: not why_no_name(name))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


class MetricContract:
    def test_an_epoch_has_metrics_by_any_names_beside_its_own(self, store: Store) -> None:
        trials = grid(rates=[0.1], epochs=(1, 2))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        reports = [
            replace(epoch(claim, n), more={"val_f1": n / 3, "val_auroc": math.inf if n == 2 else 1e-9})
            for n in range(3)
        ]
        assert store.record(launch, [*reports, LineageFinished(claim.lineage_id, 1)], {}).refused == 0
        rows = store.epochs([claim.lineage_id])
        assert [row.more for row in rows] == [
            {"val_auroc": 1e-9, "val_f1": 0.0},
            {"val_auroc": 1e-9, "val_f1": 1 / 3},
            {"val_auroc": None, "val_f1": 2 / 3},
        ]
        one, two = (row_of(store, trial) for trial in trials)
        assert (one.state, two.state) == (COMPLETED, COMPLETED)
        assert (one.more, two.more) == (rows[1].more, rows[2].more)
        assert metric_of(two, "val_loss") == epoch(claim, 2).val_loss and metric_of(two, "val_f1") == 2 / 3
        assert metric_of(two, "val_mae") is None
        assert store.verify() == []

    def test_what_our_loop_did_not_train_has_all_its_metrics_by_name(self, store: Store) -> None:
        trials = grid(rates=[0.1, 0.2, 0.3], epochs=(2,))
        launch = start(store, trials)
        claims = claim_all(store, launch, trials)
        for place, claim in enumerate(claims):
            reports = [
                EpochMetrics(claim.lineage_id, 1, n, {"rmse": 1e9 - place * n, "val_loss": 0.5} if n else {}, 0.5)
                for n in range(3)
            ]
            store.record(launch, [*reports, LineageFinished(claim.lineage_id, 1)], {})
        rows = store.epochs([claims[0].lineage_id])
        assert [(row.learning_rate, row.val_loss, row.seconds) for row in rows] == [(None, None, 0.5)] * 3
        assert [metric_of(row, "val_loss") for row in rows] == [None, 0.5, 0.5]
        assert [state_of(store, trial) for trial in trials] == [COMPLETED] * 3
        best = [trial.trial_id for trial in trials[::-1]]
        assert [row.trial_id for row in store.ranking(JOB, "rmse", 3, highest=False)] == best
        assert [row.trial_id for row in store.ranking(JOB, "val_loss", 3, highest=False)] == best[::-1]
        assert store.ranking(JOB, "mae", 3, highest=False) == []
        assert store.verify() == []

    @pytest.mark.parametrize(
        ("name", "state"), [("val_loss", DIVERGED), ("focal_loss_2", DIVERGED), ("val_f1", COMPLETED)]
    )
    def test_a_loss_that_is_not_finite_is_a_divergence_whatever_its_name(
        self, store: Store, name: str, state: str
    ) -> None:
        trials = grid(rates=[0.1], epochs=(1,))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        reports = [EpochMetrics(claim.lineage_id, 1, n, {name: math.nan} if n else {}, 0.1) for n in range(2)]
        ended = LineageDiverged(claim.lineage_id, 1, 1) if state == DIVERGED else LineageFinished(claim.lineage_id, 1)
        store.record(launch, [*reports, ended], {})
        row = row_of(store, trials[0])
        assert (row.state, row.more) == (state, {name: None})
        assert store.verify() == []

    @pytest.mark.parametrize("name", ["", "1st", "seconds", "val loss", "$.x", "a" * 64])
    def test_what_is_no_name_is_a_defect_of_the_training(self, store: Store, name: str) -> None:
        trials = grid(rates=[0.1], epochs=(1,))
        launch = start(store, trials)
        (claim,) = claim_all(store, launch, trials)
        store.record(launch, [EpochMetrics(claim.lineage_id, 1, 0, {name: 1.0}, 0.1)], {})
        assert state_of(store, trials[0]) == FAILED and "impossible numbers" in str(row_of(store, trials[0]).error)

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.dictionaries(NAMES, NUMBERS, max_size=30), min_size=2, max_size=4))
    def test_every_finite_number_comes_back_as_it_was(self, store: Store, curve: list[dict[str, float]]) -> None:
        trial = new_trial(1 / next(_COUNT), epochs=len(curve) - 1)
        launch = start(store, [trial])
        (claim,) = claim_all(store, launch, [trial])
        store.record(launch, [EpochMetrics(claim.lineage_id, 1, n, own, 0.1) for n, own in enumerate(curve)], {})
        rows = store.epochs([claim.lineage_id])
        for row, own in zip(rows, curve, strict=True):
            assert {name: metric_of(row, name) for name in own} == own
            assert all(metric_of(row, name) is None for name in METRICS if name not in own)
        assert row_of(store, trial).more == curve[-1]
