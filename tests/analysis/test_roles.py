"""The places that have names, and the band of repeats: by hand, and against numpy for drawn curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsearch.analysis.curve import Curve
from gridsearch.analysis.curves import Curves, curves
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.roles import ROLES, RoleCurves, places_by_role
from gridsearch.analysis.standings import standings
from gridsearch.analysis.ties import ties
from gridsearch.config.events import TrialState
from tests.analysis.grids import SHALLOW, grid, job_data, make_epochs, make_job, make_trial, shallow_score


def named(data: JobData) -> Curves:
    return curves(data, tied=ties(data))


def roles(data: JobData) -> dict[int, str]:
    return {one.curve.rank: one.name for one in named(data).named}


def costly(count: int) -> JobData:
    """So many trials, each slightly worse and much cheaper than the one before."""
    rows = [make_trial({"width": n}, 0.9 - n / 10_000, parameters=1000 - n) for n in range(count)]
    return job_data(make_job({"width": list(range(count))}), rows, make_epochs(rows))


def curve(values: dict[int, float | None], score: float | None = 0.5) -> Curve:
    return Curve("t", "best", 1, score, (), tuple(values), {"val_loss": tuple(values.values())}, None, None)


def test_each_place_is_told_once_with_all_that_it_is() -> None:
    assert roles(grid(SHALLOW, shallow_score))[192] == "worst"
    assert roles(costly(1)) == {1: "best"}
    assert roles(costly(2)) == {1: "best", 2: "runner-up, cheapest as good and worst"}
    assert roles(costly(3)) == {1: "best", 2: "runner-up and median", 3: "cheapest as good and worst"}
    assert roles(costly(9)) == {1: "best", 2: "runner-up", 5: "median", 9: "cheapest as good and worst"}
    assert roles(grid({"n": [1, 2, 3, 4]}, lambda point: None)) == {4: "worst"}


@given(st.lists(st.sampled_from([None, 0.1, 0.5, 0.9, 0.95]), min_size=1, max_size=12))
def test_roles_are_of_places_that_exist_and_none_is_given_twice(scores: list[float | None]) -> None:
    data = grid({"n": list(range(len(scores)))}, lambda point: scores[point["n"]])
    order, tied = standings(data), ties(data)
    found = places_by_role(order, tied)
    given_ = [role for own in found.values() for role in own]
    assert list(found) == sorted(found) and set(found) <= set(range(len(order)))
    assert len(given_) == len(set(given_)) and set(given_) <= set(ROLES)
    assert ("best" in given_) == any(score is not None for score in scores)
    assert ("worst" in given_) == (len(scores) > 1 or scores == [None])


def test_the_cheapest_of_the_tied_has_a_panel_among_the_best() -> None:
    found = named(costly(30))
    assert [(one.rank, one.group) for one in found.best] == [
        (1, "best"), (2, "runner-up"), (3, "best"),
    ]  # fmt: skip
    assert found.worst[-1].group == "cheapest as good and worst"
    # One that has no panel by its rank takes the place of the third.
    rows = [make_trial({"n": n}, 0.9 - n / 10_000, parameters=1 if n == 6 else 1000) for n in range(30)]
    found = named(job_data(make_job({"n": list(range(30))}), rows, make_epochs(rows)))
    assert [(one.rank, one.group) for one in found.best] == [(1, "best"), (2, "runner-up"), (7, "cheapest as good")]


def test_of_points_the_trainings_are_there_with_their_seeds() -> None:
    rows = [make_trial({"n": n, "seed": s}, 0.5 + n / 10 + s / 100) for n in (1, 2, 3) for s in (0, 1, 2)]
    rows += [make_trial({"n": 3, "seed": 3}, state=TrialState.DIVERGED)]
    data = job_data(make_job({"n": [1, 2, 3]}, repeats=4), rows, make_epochs(rows))
    found = {one.name: one for one in named(data).named}
    best = found["best"]
    assert [one.repeat for one in best.repeats] == [(("seed", str(s)),) for s in (0, 1, 2)]
    assert best.curve.repeat == (("seed", "1"),)
    band = best.band("val_accuracy")
    assert band is not None and band.count == 3
    assert (band.mean[-1], band.low[-1], band.high[-1]) == pytest.approx((0.71, 0.7, 0.72))
    # The one that diverged is drawn, and is no part of the mean.
    worst = found["worst"]
    assert len(worst.repeats) == 4 and worst.band("val_accuracy").count == 3  # type: ignore[union-attr]


def test_trials_that_are_trained_once_have_no_band() -> None:
    assert all(not one.repeats and one.band("val_loss") is None for one in named(costly(9)).named)


_curves = st.dictionaries(
    st.integers(0, 8), st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False)), min_size=1, max_size=9
)


@given(st.lists(_curves, min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_band_is_what_numpy_says_of_the_epochs_that_all_have(
    drawn: list[dict[int, float | None]], scored: list[bool]
) -> None:
    sorted_ = [dict(sorted(values.items())) for values in drawn]
    own = tuple(curve(values, 0.5 if scored[place] else None) for place, values in enumerate(sorted_))
    band = RoleCurves(("best",), own[0], own).band("val_loss")
    table = np.full((len(own), 9), np.nan)
    for row, values in enumerate(sorted_):
        for epoch, value in values.items():
            table[row, epoch] = np.nan if value is None or not scored[row] else value
    table = table[~np.isnan(table).all(axis=1)]
    epochs = [] if len(table) < 2 else np.flatnonzero(~np.isnan(table).any(axis=0)).tolist()
    if not epochs:
        assert band is None
        return
    assert band is not None and band.count == len(table) and list(band.epochs) == epochs
    assert np.allclose(band.mean, table[:, epochs].mean(axis=0))
    assert list(band.low) == table[:, epochs].min(axis=0).tolist()
    assert list(band.high) == table[:, epochs].max(axis=0).tolist()
