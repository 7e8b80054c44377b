import math
from collections.abc import Sequence

import pytest

from gridsearch.analysis.lineage_curves import held, own_curves
from gridsearch.analysis.measures import MEASURES, initial_val_loss, measures_in, overfit_epoch
from gridsearch.analysis.ranking import TableOptions, table
from gridsearch.store.rows import EpochRow, LineageCurve
from tests.analysis.grids import grid, job_data, make_epochs, make_job, make_trial

#: Ten epochs: training goes on falling, validation turns round at epoch 3.
FALLING = [2.3, 1.8, 1.4, 1.1, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2]
TURNING = [2.3, 1.9, 1.6, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1]


def epochs(train: Sequence[float | None], val: Sequence[float | None], seconds: Sequence[float] = ()) -> list[EpochRow]:
    times = seconds or [1.0] * len(train)
    return [
        EpochRow("lineage", n, t, 0.5, v, 0.5, 0.1, s)
        for n, (t, v, s) in enumerate(zip(train, val, times, strict=True))
    ]


@pytest.mark.parametrize(
    ("train", "val", "epoch"),
    [
        (FALLING, TURNING, 3),
        (FALLING, [2.3, 1.9, 1.5, 3.1, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1], 2),  # one odd epoch at the turn
        (FALLING[:8], TURNING[:8], None),  # four epochs have not shown it yet
        (FALLING, [2.3 + n / 10 for n in range(10)], 0),
        (FALLING, [2.3, 1.9, 1.6, 1.5, 1.52, 1.55, 1.53, 1.5, 1.55, 1.56], None),  # a plateau
        (FALLING, [2.3, 1.9, 0.5, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9], None),  # one lucky epoch
        (FALLING, [2.3, 1.9, 1.6, 1.5, 1.6, 1.7, 1.5, 1.51, 2.4, 2.5], None),  # it came back
        (FALLING, [2.3, 1.9, 1.6, 1.5, 1.6, 1.48, 1.8, 2.1, 2.2, 2.3], None),  # four epochs since the lowest
        (FALLING, [2.3, 1.9, 1.3, 1.6, 1.5, 1.6, 1.8, 1.9, 2.0, 2.1], 2),  # where the curve is lowest, not its median
        (FALLING, [2.3 / (1 + n) for n in range(10)], None),
        ([2.3, 1.8, 1.4, *[1.1 + n / 10 for n in range(7)]], TURNING, None),  # training goes astray too
        ([*FALLING, None], [*TURNING, None], 3),
        ([*FALLING, math.inf], [*TURNING, math.nan], 3),
        ([], [], None),
        ([None], [None], None),
    ],
)
def test_overfitting_begins_where_validation_rises_and_training_falls(
    train: list[float | None], val: list[float | None], epoch: int | None
) -> None:
    assert overfit_epoch(LineageCurve.of("lineage", epochs(train, val))) == epoch


def test_the_initial_loss_is_that_before_the_first_step() -> None:
    own = epochs([2.3, 1.0], [2.31, 1.1])
    assert initial_val_loss(LineageCurve.of("lineage", own)) == 2.31
    assert [initial_val_loss(LineageCurve.of("lineage", rows)) for rows in (own[1:], [])] == [None, None]


def test_time_is_the_median_of_the_trained_epochs_and_spread_over_their_steps() -> None:
    rows = [make_trial({"batch_size": size, "epochs": 3}, 0.5) for size in (8, 1000)]
    seconds = [99.0, 1.0, 5.0, 2.0]  # evaluating the untrained model; a first epoch; one that was disturbed; another
    measured = [EpochRow(row.lineage_id, n, 1, 0, 1, 0, 0.1, s) for row in rows for n, s in enumerate(seconds)]
    frame = job_data(make_job({"batch_size": [8, 1000]}), rows, measured).trials
    assert frame["seconds_per_epoch"].tolist() == [2.0, 2.0]
    assert frame["ms_per_step"].tolist() == pytest.approx([2000 / 162, 2000 / 2])  # 1,294 images


def test_a_shorter_trial_is_measured_by_its_own_epochs() -> None:
    rows = [make_trial({"epochs": 9}, 0.5), make_trial({"epochs": 4}, 0.5)]
    lineage = [
        EpochRow(rows[0].lineage_id, e.epoch, e.train_loss, 0.5, e.val_loss, 0.5, 0.1, e.seconds)
        for e in epochs(FALLING, TURNING)
    ]
    stranger = [EpochRow("another", 0, 1, 1, 1, 1, 1, 1)]
    assert [len(own.epoch) for own in own_curves(rows, held([*reversed(lineage), *stranger]))] == [10, 5]
    frame = job_data(make_job({"epochs": [9, 4]}), rows, lineage).trials
    assert frame["overfit_epoch"].isna().tolist() == [False, True] and frame["overfit_epoch"][0] == 3


def test_without_epochs_the_measures_are_missing() -> None:
    frame = job_data(make_job({}), [make_trial({}, 0.5)]).trials
    assert frame[list(MEASURES)].isna().all(axis=None)
    assert measures_in("neurons", "overfit_epoch > 3") == ["overfit_epoch"] and not measures_in("neurons", "")


def test_measures_are_columns_to_choose_filter_and_sort_by() -> None:
    rows = [make_trial({"batch_size": size}, size / 100) for size in (8, 16)]
    data = job_data(make_job({"batch_size": [8, 16]}), rows, make_epochs(rows))
    options = TableOptions(
        filter="ms_per_step > 7", sort=["-seconds_per_epoch"], columns=["ms_per_step", *MEASURES[:3]]
    )
    assert [row.cells for row in table(data, options).rows] == [("12.35", "2.400000", "", "1")]


def test_an_axis_called_like_a_measure_keeps_its_name_apart() -> None:
    assert grid({"overfit_epoch": [1, 2]}, lambda point: 0.5).axis_columns == ["setting_overfit_epoch"]
