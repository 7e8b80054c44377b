import pytest

from gridsearch.analysis.edges import edge_notes
from gridsearch.analysis.frames import JobData
from gridsearch.config.events import TrialState
from tests.analysis.grids import grid, job_data, make_job, make_trial

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}
NOTE = ("The best value of neurons (30) is the largest tried.",)


def scored(*scores: float, **job: object) -> JobData:
    return grid({"neurons": [10, 20, 30]}, lambda point: scores[point["neurons"] // 10 - 1], **job)


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (scored(0.5, 0.6, 0.9), NOTE),
        (scored(0.9, 0.6, 0.5), ("The best value of neurons (10) is the smallest tried.",)),
        (scored(0.5, 0.89, 0.9), ()),  # of 323 images the standard error is 0.017
        (scored(0.899, 0.5, 0.9), NOTE),  # as good, and on an edge too
        (scored(0.5, 0.89, 0.9, images={"validation": 100_000}), NOTE),
        (scored(0.5, 0.89, 0.9, images={}), NOTE),
        (scored(0.5, 0.9, 0.9), ()),
        (scored(0.5, 0.89, 0.9, objective=LOSS), NOTE),  # how far a loss may lie off is not known
        (scored(0.5, 0.9, 0.9, objective=LOSS), ()),
    ],
)
def test_no_note_where_a_value_between_does_as_well(data: JobData, notes: tuple[str, ...]) -> None:
    assert edge_notes(data) == notes


@pytest.mark.parametrize(("apart", "notes"), [(0.02, ()), (0.2, NOTE)])
def test_points_do_as_well_within_the_standard_error_of_their_means(apart: float, notes: tuple[str, ...]) -> None:
    means = {10: 0.4, 20: 0.7 - apart, 30: 0.7}
    rows = [
        make_trial({"neurons": n, "seed": seed}, mean + (seed - 1) / 20)
        for n, mean in means.items()
        for seed in (0, 1, 2)
    ]
    assert edge_notes(job_data(make_job({"neurons": list(means)}, repeats=3), rows)) == notes


def test_what_has_no_result_yet_was_not_tried() -> None:
    rows = [make_trial({"neurons": n}, 0.3 + n / 50) for n in (10, 20, 30)]
    rows += [make_trial({"neurons": 40}, state=TrialState.PENDING)]
    job = make_job({"neurons": [10, 20, 30, 40]})
    assert edge_notes(job_data(job, rows)) == NOTE
    assert edge_notes(job_data(job, [rows[0], *rows[2:]])) == ()  # of two values both are edges
    lost = make_trial({"neurons": 40}, state=TrialState.DIVERGED)
    assert edge_notes(job_data(job, [*rows[:3], lost])) == ()


def test_what_exceeds_a_limit_does_not_do_as_well() -> None:
    sizes = {10: 1, 20: 99, 30: 1}
    rows = [make_trial({"neurons": n}, 0.3 + n / 100, parameters=size, macs=1) for n, size in sizes.items()]
    assert edge_notes(job_data(make_job({"neurons": list(sizes)}, constraints={"parameters": 9}), rows)) == NOTE
