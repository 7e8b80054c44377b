import math
from dataclasses import replace

import pytest

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.levels import MOST_LEVELS, levels, placement
from gridsearch.analysis.scatter import board, jitter
from gridsearch.config.axes import Axis
from tests.analysis.grids import SHALLOW, grid, shallow_score

DATA = grid(SHALLOW, shallow_score)


def test_points_are_moved_aside_but_keep_their_true_value() -> None:
    shown = board(DATA)
    axis = shown.axis("learning_rate")
    assert len(shown.scores) == len(axis.true) == 192
    for text, place in zip(axis.true, axis.drawn, strict=True):
        assert place is not None and abs(math.log10(place / float(text))) <= 0.26
    assert len(set(axis.drawn)) == 192


def test_few_points_stay_near_their_value_and_a_single_one_on_it() -> None:
    """They stay there while others finish: the whole grid counts, not what is drawn."""
    few = grid({"neurons": [10, 20], "seed": [0, 1]}, lambda point: 0.5)
    places = board(few).axis("neurons").drawn
    assert len(set(places)) == 4
    assert all(place and min(abs(place - 10), abs(place - 20)) < 0.1 for place in places)
    assert board(grid({"neurons": [10, 20]}, lambda point: 0.5)).axis("neurons").drawn == (10, 20)
    unfinished = grid({"neurons": [10, 20], "seed": [0, 1]}, lambda point: 0.5 if point["seed"] else None)
    assert set(board(unfinished).axis("neurons").drawn) < set(places)


def test_neighbours_on_a_linear_axis_never_mix() -> None:
    axis = board(grid({"neurons": [10, 11, 30, 60]}, lambda point: 0.5)).axis("neurons")
    assert axis.placement.scale == "linear"
    assert all(abs(place - float(text)) <= 0.26 for text, place in zip(axis.true, axis.drawn, strict=True) if place)


def test_jitter_depends_on_trial_and_axis_alone() -> None:
    draws = [jitter(trial, "neurons") for trial in board(DATA).trials]
    assert draws == [jitter(trial, "neurons") for trial in board(DATA).trials]
    assert draws != [jitter(trial, "epochs") for trial in board(DATA).trials]
    assert all(-0.5 <= draw < 0.5 for draw in draws) and abs(sum(draws) / len(draws)) < 0.1


def test_text_and_lists_stand_at_whole_numbers_in_the_order_of_the_job() -> None:
    data = grid({"hidden": [[512, 256], [8]], "optimizer": ["sgd", "adam"]}, lambda point: 0.5)
    place = board(data).axis("hidden").placement
    assert place.labels == ("512-256", "8") and place.ticks == (0.0, 1.0)
    assert board(data).axis("optimizer").levels.labels == ("sgd", "adam")
    assert not board(data).axis("optimizer").levels.ordered


def test_diverged_trials_are_counted_not_drawn() -> None:
    shown = board(grid({"neurons": [1, 2, 3]}, lambda p: None if p["neurons"] == 2 else 0.5))
    assert shown.diverged == 1 and shown.axis("neurons").true == ("1", "3")


def test_a_value_the_job_does_not_name_has_a_place_too() -> None:
    data = grid({"momentum": [0.5, 0.9]}, lambda point: 0.5)
    seen = data.trials.assign(momentum=[0.0, 0.9])
    axis = board(replace(data, trials=seen)).axis("momentum")
    assert axis.true == ("0", "0.9") and axis.placement.labels == ("0", "0.5", "0.9")
    assert axis.group == (0, 2) and None not in axis.drawn


def test_a_trial_without_the_setting_is_drawn_nowhere() -> None:
    data = grid({"neurons": [1, 2]}, lambda point: 0.5)
    seen = data.trials.assign(neurons=data.trials["neurons"].astype("Int64").mask([True, False]))
    axis = board(replace(data, trials=seen)).axis("neurons")
    assert axis.drawn[0] is None and axis.group == (-1, 1)


def test_ticks_that_would_touch_are_dropped_but_not_the_ends() -> None:
    place = placement(Axis("x", tuple(range(1, 101)), "linear"))
    assert place.labels[0] == "1" and place.labels[-1] == "100" and len(place.labels) <= 19
    assert placement(Axis("x", (1,), "linear")).labels == ("1",)
    assert placement(Axis("x", (0, 1, 100), "log")).scale == "linear"


def test_many_values_share_colours_with_their_neighbours() -> None:
    many = levels(Axis("x", tuple(range(1, 101)), "linear"))
    assert len(many.labels) == MOST_LEVELS and many.labels[0] == "1 – 13" and many.labels[-1].endswith("– 100")
    assert sorted(set(many.group_of.values())) == list(range(MOST_LEVELS))
    words = levels(Axis("x", tuple("abcdefghijkl"), "category"))
    assert words.labels == (*"abcdefg", "5 others") and words.group_of["l"] == 7


def test_thinning_keeps_the_best_and_the_worst() -> None:
    full = board(DATA)
    few = board(DATA, 20)
    assert len(few.trials) == len(set(few.trials)) == 20
    assert {min(full.scores), max(full.scores)} <= set(few.scores)
    assert len(few.axis("neurons").drawn) == 20
    assert few.total == full.total == 192 and [axis.varies for axis in few.axes] == [True] * len(few.axes)
    assert set(few.axis("neurons").drawn) < set(full.axis("neurons").drawn)
    assert board(DATA, 192) == full


def test_an_unknown_axis_names_the_nearest() -> None:
    with pytest.raises(TableError, match="did you mean 'neurons'"):
        board(DATA).axis("neuron")
