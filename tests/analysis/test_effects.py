"""What each axis does to the score: hand-made grids, and scipy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gridsearch.analysis.cells import cells
from gridsearch.analysis.effect_words import NO_SHARES, basis, cautions
from gridsearch.analysis.effects import effects, shape_of
from gridsearch.analysis.factors import RANGES, design
from gridsearch.analysis.filtering import TableError
from gridsearch.config.events import TrialState
from tests.analysis.grids import SHALLOW, grid, job_data, make_job, make_trial, shallow_score


def test_means_and_the_best_of_each_value() -> None:
    data = grid({"neurons": [10, 20], "learning_rate": [0.1, 0.01]}, lambda p: p["neurons"] / 100 + p["learning_rate"])
    found = effects(data)
    assert [axis.name for axis in found.axes] == ["neurons", "learning_rate"] or found.axes[0].share >= found.axes[
        1
    ].share
    by = {axis.name: axis for axis in found.axes}
    low, high = by["neurons"].values
    assert (low.text, low.n, low.mean, low.median) == ("10", 2, pytest.approx(0.155), pytest.approx(0.155))
    assert high.best == pytest.approx(0.3)
    best = data.trials.sort_values("score").iloc[-1]
    assert high.best_trial == best["trial"]
    assert low.deviation == pytest.approx(np.std([0.2, 0.11], ddof=1))
    assert found.exact and found.mean == pytest.approx(data.trials["score"].mean())


def test_a_peak_in_the_middle_is_not_hidden_by_a_correlation_near_zero() -> None:
    score = {1: 0.2, 2: 0.5, 3: 0.9, 4: 0.5, 5: 0.2}
    found = effects(grid({"width": list(score), "batch_size": [8, 16]}, lambda p: score[p["width"]]))
    width = next(axis for axis in found.axes if axis.name == "width")
    assert (width.shape, width.hidden) == ("peaks", True)
    assert width.pearson == pytest.approx(0, abs=1e-9) and width.eta_squared == pytest.approx(1)


@pytest.mark.parametrize(
    ("means", "shape"),
    [
        ([1, 2, 3], "rises"),
        ([3, 2, 2], "falls"),
        ([1, 3, 2], "peaks"),
        ([3, 1, 2], "dips"),
        ([1, 2, 1, 2], "varies"),
        ([1, 1, 1], "stays"),
    ],
)
def test_shapes(means: list[float], shape: str) -> None:
    assert shape_of(means) == shape


def test_numbers_are_those_of_scipy() -> None:
    draw = np.random.default_rng(3)
    data = grid(SHALLOW, lambda p: float(draw.random() ** 3))
    found = effects(data)
    assert found.skewness == pytest.approx(stats.skew(data.trials["score"]))
    for axis in found.axes:
        values, scores = data.trials[axis.name].to_numpy(float), data.trials["score"].to_numpy()
        assert axis.pearson == pytest.approx(stats.pearsonr(values, scores).statistic)
        assert axis.spearman == pytest.approx(stats.spearmanr(values, scores).statistic)
        groups = [scores[values == value] for value in np.unique(values)]
        f = stats.f_oneway(*groups).statistic
        between, inside = len(groups) - 1, len(scores) - len(groups)
        assert axis.eta_squared == pytest.approx(f * between / (f * between + inside))


def test_axes_of_names_count_like_any_other() -> None:
    order = {"sgd": 0.5, "adam": 0.9, "rmsprop": 0.7}
    data = grid({"optimizer": list(order), "batch_size": [8, 16]}, lambda p: order[p["optimizer"]])
    first = effects(data).axes[0]
    assert (first.name, first.share, first.pearson, first.shape) == ("optimizer", pytest.approx(1), None, "")
    assert [value.text for value in first.values] == ["sgd", "adam", "rmsprop"]


def test_the_better_quarter() -> None:
    data = grid(SHALLOW, shallow_score)
    found = effects(data, "quarter")
    assert (found.n, found.of, found.exact) == (48, 192, False)
    worst = sorted(data.trials["score"])[-48]
    assert min(value.mean for axis in found.axes for value in axis.values) >= worst
    falling = {"metric": "val_loss", "at": "last", "mode": "min"}
    lowest = effects(grid(SHALLOW, shallow_score, objective=falling), "quarter")
    assert lowest.mean < effects(grid(SHALLOW, shallow_score, objective=falling)).mean
    with pytest.raises(TableError, match=r"unknown part 'quater' \(did you mean 'quarter'\?\)"):
        effects(data, "quater")


def test_diverged_and_open_trials_have_no_part() -> None:
    rows = [make_trial({"neurons": n}, n / 100) for n in (10, 20, 30)]
    rows += [
        make_trial({"neurons": 40}, state=TrialState.DIVERGED),
        make_trial({"neurons": 50}, state=TrialState.PENDING),
    ]
    found = effects(job_data(make_job({"neurons": [10, 20, 30, 40, 50]}), rows))
    assert [value.text for value in found.axes[0].values] == ["10", "20", "30"]
    assert found.n == 3


def test_what_exceeds_a_limit_is_no_best_but_part_of_the_mean() -> None:
    rows = [make_trial({"neurons": n, "batch_size": b}, n / 100, parameters=n) for n in (10, 20) for b in (4, 8)]
    job = make_job({"neurons": [10, 20], "batch_size": [4, 8]}, constraints={"parameters": 15})
    low, high = next(axis for axis in effects(job_data(job, rows)).axes if axis.name == "neurons").values
    assert (low.best, high.best, high.best_trial, high.mean) == (0.1, None, "", 0.2)


def test_many_drawn_values_are_read_as_ranges() -> None:
    draw = np.random.default_rng(0)
    drawn = sorted({round(float(value), 6) for value in draw.random(60)})
    rows = [make_trial({"learning_rate": value}, value) for value in drawn]
    axis = effects(job_data(make_job({"learning_rate": drawn}), rows)).axes[0]
    assert axis.ranges and len(axis.values) == RANGES
    assert sum(value.n for value in axis.values) == len(drawn)
    assert max(value.n for value in axis.values) - min(value.n for value in axis.values) <= 1
    assert axis.pearson == pytest.approx(1)


@pytest.mark.parametrize("drawn", [False, True])
def test_few_values_are_ranges_only_where_points_were_drawn(drawn: bool) -> None:
    values = list(range(10))
    rows = [make_trial({"neurons": values[place % 10], "batch_size": place + 1}, place / 100) for place in range(24)]
    search = {"random": 24, "drawn": 24, "size": 240} if drawn else None
    job = make_job({"neurons": values, "batch_size": list(range(1, 25))}, search=search)
    axis = next(one for one in effects(job_data(job, rows)).axes if one.name == "neurons")
    assert (axis.ranges, len(axis.values)) == ((True, RANGES) if drawn else (False, 10))
    assert sum(value.n for value in axis.values) == 24


def test_repeats_give_an_interval_by_students_t() -> None:
    scores = {(n, seed): 0.5 + n / 100 + [0.0, 0.02, -0.01][seed] * n / 10 for n in (10, 20) for seed in (0, 1, 2)}
    rows = [make_trial({"neurons": n, "seed": seed}, score) for (n, seed), score in scores.items()]
    found = effects(job_data(make_job({"neurons": [10, 20]}, repeats=3), rows))
    differences = [scores[20, seed] - (scores[10, seed] + scores[20, seed]) / 2 for seed in (0, 1, 2)]
    theirs = stats.t.interval(0.95, 2, loc=0, scale=stats.sem(differences))
    assert found.axes[0].values[1].interval == pytest.approx(theirs[1])
    assert found.seed is None and found.repeats is not None


def test_the_scale_of_scores_changes_neither_skewness_nor_correlation() -> None:
    plain, tiny = (grid({"n": [1, 2, 3, 4]}, lambda p, by=by: by * p["n"] ** 3) for by in (0.01, 1e-130))  # type: ignore[misc]
    one, other = effects(plain), effects(tiny)
    assert other.skewness == pytest.approx(one.skewness) == pytest.approx(stats.skew(plain.trials["score"]))
    assert other.axes[0].pearson == pytest.approx(one.axes[0].pearson)


def test_one_seed_is_said_and_skew_too() -> None:
    found = effects(
        grid({"neurons": list(range(10, 60)), "batch_size": [4, 8]}, lambda p: 0.1 if p["neurons"] < 55 else 0.9)
    )
    assert found.seed == 0 and found.skewed
    assert found.at_chance is None  # no number of classes is known
    many = effects(grid({"neurons": [10, 20, 30, 40], "batch_size": [4, 8, 16]}, lambda p: 0.1, classes=10))
    assert "no trial is better than guessing, so what an axis explains is chance" in list(cautions(many))
    assert many.at_chance == many.n == 12 and not many.skewed


def test_one_trial_none_and_equal_scores() -> None:
    assert effects(grid({"neurons": [10]}, lambda p: 0.5)).axes == ()
    none = effects(grid({"neurons": [10, 20]}, lambda p: None))
    assert (none.n, none.mean, none.axes, none.rest) == (0, None, (), None)
    equal = effects(grid({"neurons": [10, 20, 30], "batch_size": [4, 8]}, lambda p: 0.5))
    assert [axis.share for axis in equal.axes] == [None, None]
    assert [axis.eta_squared for axis in equal.axes] == [0, 0]


def test_cells_are_measured_means() -> None:
    axes = {"neurons": [10, 20], "learning_rate": [0.1, 0.01], "epochs": [1, 2]}
    data = grid(axes, lambda p: None if (p["neurons"], p["learning_rate"]) == (20, 0.1) else p["epochs"] / 10)
    found = cells(design(data), "neurons", "learning_rate")
    assert (found.row_levels, found.column_levels) == (("10", "20"), ("0.01", "0.1"))
    assert found.means == ((pytest.approx(0.15), pytest.approx(0.15)), (pytest.approx(0.15), None))
    assert found.bests[0] == (0.2, 0.2) and found.counts == ((2, 2), (2, 0))
    with pytest.raises(TableError, match="unknown axis 'neuron'"):
        cells(design(data), "neuron", "epochs")
    with pytest.raises(TableError, match="named twice"):
        cells(design(data), "epochs", "epochs")


def test_a_setting_that_some_trials_lack_leaves_the_axis_that_decides_its_share() -> None:
    """Momentum is none of Adam's settings: what tells the optimisers apart is the optimiser."""
    rows = []
    for rate in (0.1, 0.01):
        for momentum in (0.0, 0.5, 0.9):
            rows.append(
                make_trial({"optimizer": "sgd", "momentum": momentum, "learning_rate": rate}, 0.4 + momentum / 20)
            )
        rows.append(make_trial({"optimizer": "adam", "learning_rate": rate}, 0.9 + rate / 10))
    axes = {"optimizer": ["sgd", "adam"], "momentum": [0.0, 0.5, 0.9], "learning_rate": [0.1, 0.01]}
    found = effects(job_data(make_job(axes), rows))
    shares = {axis.name: axis.share or 0.0 for axis in found.axes}
    assert found.nested == ("momentum",) and found.empty == 0 and not found.exact
    assert shares["optimizer"] > 0.9 > 0.05 > shares["momentum"] > 0


def test_values_without_a_score_are_named_and_counted_by_points() -> None:
    axes = {"learning_rate": [0.1, 1.0, 10.0], "neurons": [10, 20], "momentum": [0.0, 0.9]}

    def score(point: Mapping[str, Any]) -> float | None:
        return None if point["learning_rate"] == 10.0 else 0.4 + point["neurons"] / 100 + point["learning_rate"] / 10

    found = effects(grid(axes, score))
    assert found.exact and found.unscored == {"learning_rate": ("10",)} and found.empty == 4
    assert basis(found).startswith("what has a score is a whole grid, so shares of the variance are exact for that")
    assert "no trial with learning_rate 10 has a score, so nothing here tells of it" in list(cautions(found))
    # Of a part of the trials nobody misses a value.
    assert effects(grid(axes, score), "half").unscored == {}
    one_value = effects(grid(axes, lambda point: score(point) if point["neurons"] == 10 else None))
    assert one_value.constant == ("neurons",) and one_value.unscored["neurons"] == ("20",)


def test_an_axis_with_one_trial_to_a_value_explains_nothing_that_could_be_told_from_chance() -> None:
    found = effects(grid({"neurons": [1, 2, 3, 4, 5]}, lambda point: point["neurons"] / 10))
    assert found.axes[0].share is None and basis(found) == NO_SHARES


def test_seeds_are_draws_and_not_amounts() -> None:
    found = effects(grid({"seed": [0, 1, 2], "neurons": [1, 2, 3]}, lambda point: (point["seed"] - 1) ** 2 / 10 + 0.2))
    own = next(axis for axis in found.axes if axis.name == "seed")
    assert (own.pearson, own.spearman, own.shape) == (None, None, "") and not own.hidden
    assert "seed draws anew and is no setting to choose: what it explains is chance" in list(cautions(found))


def test_the_best_that_a_value_reaches_is_a_points_mean_where_points_are_repeated() -> None:
    rows = [
        make_trial({"neurons": n, "seed": seed}, score)
        for n, scores in ((10, (0.5, 0.7)), (20, (0.9, 0.1)))
        for seed, score in enumerate(scores)
    ]
    data = job_data(make_job({"neurons": [10, 20]}, repeats=2), rows)
    best = {one.text: (one.best, one.best_trial) for one in effects(data).axes[0].values}
    assert best["10"] == (pytest.approx(0.6), rows[0].trial_id) and best["20"] == (pytest.approx(0.5), rows[2].trial_id)
