"""Curves column by column tell what their epochs one by one do, and no more of them are read than are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from gridsearch.analysis.frames import trials_frame
from gridsearch.analysis.lineage_curves import held, own_curves, told_of_each
from gridsearch.analysis.measures import MEASURES, measures_of, seconds_per_epoch
from gridsearch.store.rows import EpochRow, LineageCurve
from tests.analysis.grids import make_epochs, make_job, make_trial

LOSSES = st.one_of(st.none(), st.floats(0.0, 9.0))
ROWS = st.lists(st.tuples(LOSSES, LOSSES, st.floats(0.0, 9.0)), max_size=9).flatmap(
    lambda numbers: st.integers(0, 2).map(
        lambda first: [EpochRow("one", first + n, t, 0.5, v, 0.5, 0.1, s) for n, (t, v, s) in enumerate(numbers)]
    )
)


@given(ROWS, st.integers(0, 9))
def test_a_curve_is_its_epochs(rows: list[EpochRow], last: int) -> None:
    curve = LineageCurve.of("one", rows)
    own = [row for row in rows if row.epoch <= last]
    assert curve.rows == rows and curve.up_to(last).rows == own
    trained = [row.seconds for row in own if row.epoch >= 1]
    assert seconds_per_epoch(curve.up_to(last)) == (median(trained) if trained else None)
    every = measures_of(curve, images=9, batch_size=4)
    for name, value in zip(MEASURES, every, strict=True):
        assert measures_of(curve, [name], images=9, batch_size=4) == [value]


def test_each_lineage_is_read_once_and_none_that_tells_nothing() -> None:
    rows = [make_trial({"neurons": n, "epochs": epochs}, 0.5) for epochs in (3, 9) for n in (1, 2)]
    curves, asked = held(make_epochs(rows)), list[str]()

    def counted(lineages: Iterable[str]) -> Iterator[LineageCurve]:
        found = list(lineages)
        asked.extend(found)
        return curves(found)

    job = make_job({"neurons": [1, 2], "epochs": [3, 9]})
    none = trials_frame(job, rows, counted)
    assert asked == [] and none[[*MEASURES]].isna().all(axis=None)
    some = trials_frame(job, rows, counted, ["initial_val_loss"])
    assert sorted(asked) == sorted({row.lineage_id for row in rows}) and len(asked) == 2
    whole = trials_frame(job, rows, curves, MEASURES)
    assert some["initial_val_loss"].tolist() == whole["initial_val_loss"].tolist() == [2.4] * 4
    assert some["overfit_epoch"].isna().all() and whole["score"].equals(none["score"])
    lengths = told_of_each(rows, curves, lambda place, curve: (place, len(curve.epoch)))
    assert lengths == [(place, len(curve.epoch)) for place, curve in enumerate(own_curves(rows, curves))]
    assert [length for _, length in lengths] == [4, 4, 10, 10]


def test_a_score_that_is_the_best_of_its_epochs_needs_them() -> None:
    rows = [make_trial({"neurons": n}, 0.5) for n in (1, 2)]
    job = make_job({"neurons": [1, 2]}, objective={"metric": "val_loss", "at": "best", "mode": "min"})
    assert trials_frame(job, rows, held(make_epochs(rows)))["score"].tolist() == [0.6, 0.6]
