from collections.abc import Callable

import pytest

from gridsearch.analysis.curves import curves
from gridsearch.analysis.failures import divergences, failures
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.summary import summary
from gridsearch.config.events import TrialState
from tests.analysis.grids import SHALLOW, grid, job_data, make_epochs, make_job, make_trial, shallow_score


def test_epochs_and_seconds_are_counted_once_per_lineage() -> None:
    glance = summary(grid(SHALLOW, shallow_score))
    assert glance.total == glance.results == 192 and glance.lineages == 96
    assert glance.trained_epochs == 96 * 4 and glance.read_epochs == 96 * (2 + 4)
    assert glance.saved_epochs == 96 * 2
    assert glance.training_seconds == 96 * 5.0
    assert glance.wall_seconds == 240.0
    assert glance.images == (("train", 1294), ("validation", 323), ("test", 180))


def test_the_best_trial_and_its_place_on_the_edge() -> None:
    glance = summary(grid(SHALLOW, shallow_score))
    assert glance.best is not None and glance.best.score == pytest.approx(0.957)
    assert dict(glance.best.settings)["learning_rate"] == "0.1"
    assert "The best value of learning rate (0.1) is the largest tried." in glance.hints
    assert "The best value of batch size (4) is the smallest tried." in glance.hints


def test_no_hint_inside_the_grid_nor_for_text_seeds_and_pairs() -> None:
    axes = {"neurons": [1, 2, 3], "seed": [1, 2, 3], "optimizer": ["a", "b", "c"][:1], "batch_size": [4, 8]}
    axes["optimizer"] = ["sgd", "adam", "rmsprop"]
    glance = summary(grid(axes, lambda point: 0.5 - abs(point["neurons"] - 2) / 10))
    assert glance.hints == ()


def test_states_are_counted_and_open_trials_read_nothing() -> None:
    states = list(TrialState)
    rows = [make_trial({"neurons": n, "epochs": 3}, 0.5, state=state) for n, state in enumerate(states, start=1)]
    glance = summary(job_data(make_job({"neurons": [1]}), rows, make_epochs(rows[2:5])))
    assert glance.counts == tuple((state.value, 1) for state in states)
    assert glance.results == 3 and glance.read_epochs == 3 + 3 + 2


def test_epochs_another_job_went_on_to_are_not_counted_here() -> None:
    longer = [make_trial({"epochs": 9}, 0.5)]
    glance = summary(job_data(make_job({}), [make_trial({"epochs": 2}, 0.5)], make_epochs(longer)))
    assert glance.trained_epochs == 2 and glance.training_seconds == 3.0


def test_a_trial_that_stopped_early_saves_no_epochs() -> None:
    row = make_trial({"epochs": 50, "early_stopping": 2}, 0.5, state=TrialState.STOPPED, stopped_epoch=5)
    glance = summary(
        job_data(make_job({}), [row], make_epochs([make_trial({"epochs": 5}, 0.5, lineage_id=row.lineage_id)]))
    )
    assert (glance.trained_epochs, glance.read_epochs, glance.saved_epochs) == (5, 5, 0)


def test_what_needs_epochs_refuses_where_they_were_not_read() -> None:
    data = job_data(make_job({"neurons": [1]}), [make_trial({"neurons": 1}, 0.5)])
    asked: list[Callable[[JobData], object]] = [curves, lambda one: one.epochs, lambda one: one.epoch_rows]
    for ask in asked:
        with pytest.raises(ValueError, match="the epochs of job 'sample' were not read: load"):
            ask(data)


def test_an_empty_job_has_a_summary_too() -> None:
    glance = summary(job_data(make_job({}), [], ()))
    assert glance.best is None and glance.total == 0 and glance.wall_seconds is None and glance.counts == ()


def test_failures_are_grouped_by_cause() -> None:
    def failed(neurons: int, error: str | None, log: str | None) -> object:
        return make_trial({"neurons": neurons}, state=TrialState.FAILED, error=error, log=log)

    rows = [
        failed(1, "ValueError: width 1 is odd", "a.log"),
        failed(2, "out of memory: 0x7f3a", "b.log"),
        failed(3, "out of memory: 0x1234", "b.log"),
        failed(4, None, None),
        make_trial({"neurons": 5}, 0.5),
    ]
    groups = failures(job_data(make_job({"neurons": [1]}), rows))  # type: ignore[arg-type]
    assert [(group.cause, group.count, group.logs) for group in groups] == [
        ("out of memory: 0x7f3a", 2, ("b.log",)),
        ("ValueError: width 1 is odd", 1, ("a.log",)),
        ("no reason recorded", 1, ()),
    ]


def test_divergences_are_told_by_their_epochs() -> None:
    def job(lost: dict[int, int]) -> JobData:
        rows = [
            make_trial({"neurons": n, "learning_rate": 9.0}, state=TrialState.DIVERGED, diverged_epoch=epoch)
            for n, epoch in lost.items()
        ]
        rows += [make_trial({"neurons": n, "learning_rate": 0.1}, 0.5) for n in (0, *lost)]
        return job_data(make_job({"neurons": [0, *lost], "learning_rate": [9.0, 0.1]}), rows)

    found = divergences(job({1: 7, 2: 3, 3: 7, **{n: 8 for n in range(4, 14)}}))
    assert found is not None and (found.count, found.of) == (13, 27)
    assert found.text == "13 trials of 27 diverged: all 13 have learning_rate 9, and no sound trial has."
    assert [(one.epochs, one.count) for one in found.groups] == [("3", 1), ("7", 2), ("8", 10)]
    assert found.groups[2].ids.endswith(" and 2 more") and len(found.groups[2].ids.split()) == 8 + 3
    many = divergences(job({n: 2 * n for n in range(1, 31)}))
    assert many is not None and [one.epochs for one in many.groups][:2] == ["2 to 6", "8 to 12"]
    assert sum(one.count for one in many.groups) == 30 and len(many.groups) == 10
    assert divergences(job({})) is None
