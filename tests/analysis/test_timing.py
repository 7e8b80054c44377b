from dataclasses import replace

import pytest

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.timing import Timing, TimingRow, timing, timings
from gridsearch.config.events import Formation, Place
from gridsearch.store.rows import EpochRow, TrainingRow
from tests.analysis.grids import grid, job_data, make_job, make_trial


def timed(**axes: list[object]) -> JobData:
    """Two readings of each training; an epoch at batch b takes 8 / b seconds, neurons as many milliseconds more."""
    rows = [
        make_trial({"batch_size": size, "neurons": neurons, "epochs": epochs}, 0.5)
        for size in (16, 8)
        for neurons in (10, 30, 90)
        for epochs in (1, 3)
    ]
    epochs = [
        EpochRow(row.lineage_id, n, 1, 0, 1, 0, 0.1, 8 / size + neurons / 1000)
        for row, size, neurons in zip(rows[1::2], [16] * 3 + [8] * 3, [10, 30, 90] * 2, strict=True)
        for n in range(4)
    ]
    return job_data(make_job({"batch_size": [16, 8], "neurons": [10, 30, 90], "epochs": [1, 3]}), rows, epochs)


def test_a_row_per_value_in_order_with_medians_over_trainings() -> None:
    found = timing(timed(), "batch_size")
    assert found == Timing(
        "batch_size",
        True,
        (
            TimingRow("8", 3, pytest.approx(1030 / 162), pytest.approx(1.03)),
            TimingRow("16", 3, pytest.approx(530 / 81), pytest.approx(0.53)),
        ),
    )
    assert found.frame().columns.tolist() == [
        "batch_size",
        "trainings",
        "ms_per_step",
        "seconds_per_epoch",
        "trained_together",
    ]
    assert found.frame()["batch_size"].tolist() == ["8", "16"]


def test_only_axes_that_time_may_depend_on_are_shown() -> None:
    assert [one.axis for one in timings(timed())] == ["batch_size", "neurons"]
    many = grid({"neurons": list(range(1, 12)), "batch_size": [8], "learning_rate": [0.1, 1.0]}, lambda point: 0.5)
    assert timings(many) == ()


def test_values_without_an_epoch_are_left_out_and_unknown_axes_refused() -> None:
    data = grid({"neurons": [1, 2]}, lambda point: 0.5)
    partial = job_data(data.job, data.rows, [e for e in data.epoch_rows if e.lineage_id == data.rows[1].lineage_id])
    assert [row.value for row in timing(partial, "neurons").rows] == ["2"]
    with pytest.raises(TableError, match="unknown axis 'neuron' .did you mean 'neurons'"):
        timing(data, "neuron")


def test_text_and_missing_values_are_rows_too() -> None:
    rows = [make_trial({"optimizer": "adam", "dropout": 0.5}, 0.5), make_trial({"optimizer": "sgd"}, 0.5)]
    epochs = [EpochRow(row.lineage_id, 1, 1, 0, 1, 0, 0.1, 1.0) for row in rows]
    data = job_data(make_job({"optimizer": ["sgd", "adam"], "dropout": [0.5]}), rows, epochs)
    assert [row.value for row in timing(data, "optimizer").rows] == ["sgd", "adam"]
    assert [row.value for row in timing(data, "dropout").rows] == ["0.5"]


def trained(data: JobData, *packs: list[str]) -> JobData:
    """The job with trainings: lineages of a pack were trained as one, those of none alone."""
    together = {lineage: pack for pack in packs for lineage in pack}
    return replace(
        data,
        trainings=tuple(
            TrainingRow(name, 1, 0, 1, Formation("stacked", "cpu", 1, "2", tuple(Place(one, 1, 3) for one in pack)))
            for name in dict.fromkeys(row.lineage_id for row in data.rows)
            for pack in [together.get(name, [])]
        ),
    )


def lineages(data: JobData, **settings: int) -> list[str]:
    chosen = data.trials
    for name, value in settings.items():
        chosen = chosen[chosen[name] == value]
    return list(dict.fromkeys(data.rows[place].lineage_id for place in chosen.index))


def test_what_was_trained_alone_is_timed_alone() -> None:
    rows = timing(trained(timed()), "neurons").rows
    assert [row.together for row in rows] == [1, 1, 1]
    data = timed()
    # Of batch size 8 the three were a pack, and their times are a third of the pack's; of 16 they were alone.
    found = timing(trained(data, lineages(data, batch_size=8)), "neurons")
    assert [(row.trainings, row.together) for row in found.rows] == [(1, 1), (1, 1), (1, 1)] and not found.shared
    assert [row.seconds_per_epoch for row in found.rows] == pytest.approx([0.51, 0.53, 0.59])


def test_values_trained_as_one_have_no_times_of_their_own() -> None:
    data = timed()
    packed = trained(data, lineages(data, batch_size=8), lineages(data, batch_size=16))
    assert [(one.axis, one.shared) for one in timings(packed)] == [("batch_size", False), ("neurons", True)]
    assert [row.together for row in timing(packed, "batch_size").rows] == [3, 3]
    assert timing(packed, "batch_size").frame()["trained_together"].tolist() == [3, 3]
