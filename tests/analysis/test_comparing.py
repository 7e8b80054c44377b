"""Jobs against each other: paired differences as scipy has them, cells that are shared, and what keeps them from it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from gridsearch.analysis.comparing.contrast import contrasts
from gridsearch.analysis.comparing.jobs import JobComparison, compare
from gridsearch.analysis.comparing.paired import mean_interval, shares_interval, unpaired_interval
from gridsearch.analysis.comparing.sides import sides_of
from gridsearch.analysis.comparing.telling import answer_text, pairing_notes, pairing_text
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.paired import paired
from gridsearch.config.events import TrialState
from tests.analysis.grids import grid, job_data, make_epochs, make_job, make_trial

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}
RATES = [0.001, 0.01, 0.1]


def compared(*jobs: JobData, **how: str) -> JobComparison:
    return compare(sides_of([(job, "results.db") for job in jobs]), **how)  # type: ignore[arg-type]


def scores(job: JobData) -> list[float]:
    return [float(score) for score in job.trials["score"]]


AXES_OF_A = {"learning_rate": RATES, "neurons": [10, 20]}
A = grid(AXES_OF_A, lambda p: 0.5 + p["learning_rate"] + p["neurons"] / 100, name="a")


def beside(name: str = "b") -> JobData:
    """The grid of A with momentum, which makes its trials others."""
    rows = [
        make_trial({"learning_rate": rate, "neurons": n, "momentum": 0.9}, 0.52 + 0.9 * rate + n / 90)
        for rate in RATES
        for n in (10, 20)
    ]
    job = make_job({"learning_rate": RATES, "neurons": [10, 20]}, name=name, fixed={"momentum": 0.9})
    return job_data(job, rows, make_epochs(rows))


B = beside()


def test_paired_differences_are_those_of_scipy() -> None:
    (pair,) = compared(A, B).pairings
    expected = stats.ttest_rel(scores(B), scores(A))
    low, high = expected.confidence_interval()
    assert pair.interval == pytest.approx((low, high))
    assert pair.mean == pytest.approx(np.mean(np.subtract(scores(B), scores(A))))
    assert [cell.difference for cell in pair.cells] == pytest.approx(list(np.subtract(scores(B), scores(A))))
    assert pair.axes == ("learning_rate", "neurons") and pair.alone == (0, 0) and pair.problem == ""
    assert pair.better == (6, 0, 0)
    frame = pair.frame()
    assert list(frame.columns[:5]) == ["learning_rate", "neurons", "a", "b", "difference"]
    assert frame["learning_rate"].tolist() == ["0.001", "0.001", "0.01", "0.01", "0.1", "0.1"]


def answered(job: JobData, images: int = 323) -> JobData:
    """The same with the images that each trial has right: those of the best are among those that others have."""
    packed = {
        row.trial_id: np.packbits(np.arange(images) < round(score * images)).tobytes()
        for row, score in zip(job.rows, scores(job), strict=True)
    }
    return replace(job, answers=lambda rows: {row.trial_id: packed[row.trial_id] for row in rows})


def whole(job: JobData, images: int = 323) -> JobData:
    """The same with scores that so many images can have."""
    return replace(job, trials=job.trials.assign(score=(job.trials["score"] * images).round() / images))


def test_trials_on_the_same_images_are_paired_image_by_image() -> None:
    one, other = answered(whole(A)), answered(whole(B))
    (pair,), (alone,) = compared(one, other).pairings, compared(whole(A), whole(B)).pairings
    for cell, apart in zip(pair.cells, alone.cells, strict=True):
        low, high = sorted(round(323 * score) for score in cell.scores)
        # Of images of which one model alone has some right, and the other none.
        expected = paired(*(np.packbits(np.arange(323) < n).tobytes() for n in (high, low)), 323).interval
        if cell.difference < 0:
            expected = (-expected[1], -expected[0])
        assert cell.interval == pytest.approx(expected)
        assert apart.interval == pytest.approx(shares_interval(*apart.scores, (323, 323)))
        assert np.ptp(cell.interval) < np.ptp(apart.interval)


@pytest.mark.parametrize("change", ["other images", "other answers", "other metric", "not known"])
def test_where_images_or_answers_are_others_nothing_is_paired(change: str) -> None:
    one, other = answered(whole(A)), answered(whole(B))
    if change == "other images":
        rows = tuple(row._replace(config=row.config.replace("fingerprint", "another")) for row in other.rows)
        other = replace(other, rows=rows)
    elif change == "other answers":
        other = replace(other, answers=lambda rows: {row.trial_id: bytes(41) for row in rows})
    elif change == "not known":
        other = replace(other, answers=lambda rows: {})
    else:
        asked = {"metric": "train_accuracy", "mode": "max", "at": "last"}
        one, other = (
            replace(job, job=replace(job.job, spec={**job.job.spec, "objective": asked})) for job in (one, other)
        )
    (pair,) = compared(one, other).pairings
    images = 1294 if change == "other metric" else 323
    for cell in pair.cells:
        assert cell.interval == pytest.approx(shares_interval(*cell.scores, (images, images)))


def test_intervals_are_those_of_the_libraries() -> None:
    one, other = [0.91, 0.92, 0.88, 0.9], [0.93, 0.95, 0.96]
    welch = stats.ttest_ind(other, one, equal_var=False).confidence_interval()
    assert unpaired_interval(one, other) == pytest.approx(tuple(welch))
    assert unpaired_interval([0.5], other) is None and unpaired_interval([0.5, 0.5], [0.6, 0.6]) == pytest.approx(
        (0.1, 0.1)
    )
    newcombe = confint_proportions_2indep(310, 323, 300, 323, method="newcomb", compare="diff")
    assert shares_interval(300 / 323, 310 / 323, (323, 323)) == pytest.approx(newcombe)
    assert mean_interval([0.1]) is None


def test_a_cell_of_single_trials_has_the_interval_of_its_images() -> None:
    (pair,) = compared(A, B).pairings
    cell = pair.cells[0]
    assert cell.interval == pytest.approx(shares_interval(*cell.scores, (323, 323)))
    losses = [grid({"neurons": [1, 2]}, lambda p: 0.5, name=name, objective=LOSS) for name in ("a", "b")]
    assert all(one.interval is None for one in compared(*losses).pairings[0].cells)


def repeated(name: str, bonus: float, seeds: tuple[int, ...] = (0, 1, 2)) -> JobData:
    noise = {0: 0.0, 1: 0.02, 2: -0.015, 3: 0.01}
    rows = [
        make_trial(
            {"neurons": n, "batch_size": 4, "seed": s, "momentum": bonus},
            0.6 + n / 200 + noise[s] + bonus * (1 + s / 10),
        )
        for n in (10, 20)
        for s in seeds
    ]
    job = make_job({"neurons": [10, 20]}, name=name, repeats=len(seeds), fixed={"momentum": bonus})
    return job_data(job, rows, make_epochs(rows))


def test_repeats_of_the_same_seeds_are_paired() -> None:
    one, other = repeated("one", 0.0), repeated("other", 0.05)
    (pair,) = compared(one, other).pairings
    theirs = [job.trials[job.trials["neurons"] == 10]["score"].tolist() for job in (other, one)]
    expected = stats.ttest_rel(*theirs).confidence_interval()
    assert pair.cells[0].interval == pytest.approx(tuple(expected))
    assert pair.cells[0].scores == pytest.approx((np.mean(theirs[1]), np.mean(theirs[0])))
    # Of other seeds they are two samples.
    apart = repeated("apart", 0.05, seeds=(2, 3))
    (pair,) = compared(one, apart).pairings
    theirs = [job.trials[job.trials["neurons"] == 10]["score"].tolist() for job in (apart, one)]
    assert pair.cells[0].interval == pytest.approx(
        tuple(stats.ttest_ind(*theirs, equal_var=False).confidence_interval())
    )


def test_folds_have_the_correction_of_nadeau_and_bengio() -> None:
    def folded(name: str, bonus: float) -> JobData:
        gains = (0.0, 0.03, -0.02, 0.01, 0.02)
        rows = [
            make_trial(
                {"neurons": n, "split": {"folds": 5}, "fold": f, "momentum": bonus},
                0.6 + n / 100 + gains[f] * (1 + bonus) + bonus,
            )
            for n in (1, 2)
            for f in range(5)
        ]
        return job_data(
            make_job({"neurons": [1, 2]}, name=name, folds=5, fixed={"momentum": bonus}), rows, make_epochs(rows)
        )

    one, other = folded("one", 0.0), folded("other", 0.1)
    (pair,) = compared(one, other).pairings
    theirs = [job.trials[job.trials["neurons"] == 1]["score"].to_numpy() for job in (one, other)]
    gains = theirs[1] - theirs[0]
    half = stats.t.ppf(0.975, 4) * gains.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4)
    assert pair.cells[0].interval == pytest.approx((gains.mean() - half, gains.mean() + half))


def test_an_axis_of_one_job_is_held_at_the_value_of_the_other() -> None:
    wide = grid({"learning_rate": RATES, "momentum": [0.0, 0.9]}, lambda p: 0.5 + p["momentum"] / 10, name="wide")
    plain = grid({"learning_rate": RATES}, lambda p: 0.4, name="plain")
    (pair,) = compared(wide, plain).pairings
    assert pair.axes == ("learning_rate", "momentum") and pair.held == (("momentum", "0"),)
    assert len(pair.cells) == 3 and {cell.values[1] for cell in pair.cells} == {"0"}
    assert pair.alone == (3, 0)


def test_cells_of_several_points_are_told_by_the_best_or_the_mean() -> None:
    many = grid({"learning_rate": RATES, "neurons": [10, 20]}, lambda p: p["neurons"] / 100, name="many")
    other = grid({"learning_rate": RATES, "width": [3, 4]}, lambda p: p["width"] / 10, name="other")
    (pair,) = compared(many, other).pairings
    assert pair.axes == ("learning_rate",) and pair.own == (("neurons",), ("width",))
    assert pair.cells[0].scores == (0.2, 0.4) and pair.cells[0].points == (2, 2) and pair.cells[0].interval is None
    (pair,) = compared(many, other, by="mean").pairings
    assert pair.cells[0].scores == pytest.approx((0.15, 0.35))
    falling = [
        grid({"learning_rate": RATES, name: [1, 2]}, lambda p: 0.5 + p["learning_rate"], name=name, objective=LOSS)
        for name in ("n", "m")
    ]
    assert compared(*falling).pairings[0].cells[0].scores[0] == falling[0].trials["score"].iloc[:2].min()
    with pytest.raises(TableError, match="unknown way to tell a cell: 'means' \\(did you mean 'mean'\\?\\)"):
        compared(many, other, by="means")


def test_the_very_same_trials_are_counted() -> None:
    larger = grid(
        {"learning_rate": RATES, "neurons": [10, 20, 40]},
        lambda p: 0.5 + p["learning_rate"] + p["neurons"] / 100,
        name="larger",
    )
    found = compared(A, larger)
    (pair,) = found.pairings
    assert (pair.same, pair.mean, pair.better) == (6, 0.0, (0, 6, 0)) and pair.alone == (0, 3)
    assert pairing_text(pair).startswith("all 6 shared cells are the very same trials in ")
    assert not any("same" in note for note in pairing_notes(pair, "best"))
    assert all(cell.same and cell.interval is None for cell in pair.cells)
    assert compared(A, grid({"learning_rate": RATES, "neurons": [10, 20]}, scores_of_a, name="a2")).bests[1].lead == 0.0


def scores_of_a(point: dict[str, float]) -> float:
    return 0.5 + point["learning_rate"] + point["neurons"] / 100


def test_what_shares_nothing_says_so_and_still_has_its_bests() -> None:
    other = grid({"width": [3, 4]}, lambda p: p["width"] / 10, name="other")
    found = compared(A, other)
    assert found.pairings[0].problem == "no axis in common: a has learning_rate, neurons and other has width"
    assert [best.ties.best.score for best in found.bests if best.ties] == pytest.approx([0.8, 0.4])
    assert found.bests[1].lead == pytest.approx(-0.4) and found.bests[1].interval is not None
    apart = grid({"learning_rate": [0.5, 0.6], "neurons": [10, 20]}, lambda p: 0.3, name="apart")
    assert compared(A, apart).pairings[0].problem == (
        "no cell in common: learning_rate is 0.001, 0.01, 0.1 in a and 0.5, 0.6 in apart"
    )
    single = [grid({}, lambda p, s=s: s, name=f"s{s}", fixed={"momentum": s}) for s in (0.4, 0.5)]
    assert [cell.scores for cell in compared(*single).pairings[0].cells] == [(0.4, 0.5)]


def test_other_objectives_have_no_differences() -> None:
    loss = grid({"learning_rate": RATES, "neurons": [10, 20]}, lambda p: 0.5, name="loss", objective=LOSS)
    found = compared(A, loss)
    assert found.pairings[0].problem == (
        "there is no difference to tell: a asks for the highest val_accuracy and loss asks for the lowest val_loss"
    )
    assert found.bests[1].lead is None
    best = grid(
        {"learning_rate": RATES, "neurons": [10, 20]},
        lambda p: 0.5,
        name="best",
        objective={"metric": "val_accuracy", "at": "best", "mode": "max"},
    )
    found = compared(A, best)
    assert found.cautions[:1] == (
        "scores are of other epochs: of a the last epoch, of best the best epoch; a best epoch is higher by luck alone",
    )
    assert found.pairings[0].cells


def test_jobs_without_a_score() -> None:
    open_ = job_data(
        make_job({"neurons": [1]}, name="open"), [make_trial({"neurons": 1}, state=TrialState.PENDING)], []
    )
    lost = grid({"neurons": [1, 2]}, lambda p: None, name="lost")
    found = compared(A, open_, lost)
    assert [pair.problem for pair in found.pairings] == [
        f"no trial of {name} has a score yet" for name in ("open", "lost")
    ]
    assert [best.ties is None for best in found.bests] == [False, True, True]
    found = compared(open_, lost)
    assert found.curves is None and found.pairings[0].problem == "no trial of open has a score yet"


def test_a_baseline_turns_scores_into_differences() -> None:
    trial = A.trials["trial"][0]
    found = compared(A, B, baseline=trial[:10])
    assert found.baseline is not None
    assert (found.baseline.trial, found.baseline.label) == (trial, "a")
    assert found.baseline.score == pytest.approx(0.601)
    assert [best.lead for best in found.bests] == pytest.approx([max(scores(job)) - 0.601 for job in (A, B)])
    assert [best.above for best in found.bests] == [5, 6]
    assert "of the 6 trials of a 5 are better, the best by " in answer_text(found)
    repeats = repeated("repeats", 0.0)
    said = answer_text(compared(repeats, B, baseline=repeats.trials["trial"][1]))
    name, mean = repeats.trials["trial"][1][:8], np.mean(scores(repeats)[:3])
    assert said.startswith(f"the baseline, the mean of the point of trial {name} of repeats (n=3), has {mean:.4f}; ")
    single = grid({"neurons": [1]}, lambda p: 0.5, name="single")
    said = answer_text(compared(single, A, baseline=single.trials["trial"][0]))
    assert "; the only trial of single is not better; " in said
    with pytest.raises(TableError, match="baseline 'zz': no trial of a, b has an id that begins so"):
        compared(A, B, baseline="zz")
    with pytest.raises(TableError, match="no trial of a, b"):
        compared(A, B, baseline="")
    lost = grid({"neurons": [1, 2]}, lambda p: None, name="lost")
    with pytest.raises(TableError, match="of lost is diverged, without a score"):
        compared(A, lost, baseline=lost.trials["trial"][0])


def test_what_differs_in_settings() -> None:
    sides = sides_of([(A, ""), (B, "")])
    assert {one.name: one.values for one in contrasts(sides)} == {"momentum": ("0", "0.9")}
    other = grid(
        {"neurons": [10]}, lambda p: 0.1, name="c", model="deep", images={"train": 1294, "validation": 100}, repeats=3
    )
    told = {one.name: one.values for one in contrasts(sides_of([(A, ""), (other, "")]))}
    assert told["model"] == ("shallow", "deep") and told["repeats"] == ("1", "3")
    assert told["neurons"] == ("10, 20", "10") and told["validation images"] == ("323", "100")
    assert told["test images"] == ("180", "")
    assert "images are divided otherwise" in compared(A, other).cautions[0]
    elsewhere = grid({"neurons": [10]}, lambda p: 0.1, name="d", fingerprint="0123456789")
    assert {one.name: one.values for one in contrasts(sides_of([(A, ""), (elsewhere, "")]))}[
        "content of the data set"
    ] == ("", "01234567")
    found = compared(A, elsewhere)
    assert "the data sets differ" in found.cautions[0] and found.bests[1].lead is None
    assert answer_text(found) == (
        "the data sets differ, and scores of different data cannot be compared, so no job is the best"
    )
    held = compared(A, elsewhere, baseline=A.trials["trial"][0])
    assert held.bests[1].above is None
    assert answer_text(held).endswith("scores of d are of different data, and cannot be compared with it")


def test_who_can_be_compared() -> None:
    with pytest.raises(TableError, match="takes two jobs or more"):
        sides_of([(A, "")])
    with pytest.raises(TableError, match="job 'a' is named twice"):
        sides_of([(A, "results.db"), (B, "results.db"), (A, "results.db")])
    with pytest.raises(TableError, match="8 jobs at most"):
        sides_of([(A, str(place)) for place in range(9)])
    assert [side.label for side in sides_of([(A, "x.db"), (A, "y.db"), (B, "x.db")])] == ["a (x.db)", "a (y.db)", "b"]


def test_the_curves_are_those_of_the_best() -> None:
    found = compared(A, B)
    assert found.curves is not None
    assert found.curves.values == ("a", "b")
    assert [curve.trial for curve in found.curves.curves] == [
        job.trials["trial"][int(np.argmax(scores(job)))] for job in (A, B)
    ]
    assert [plot.metric for plot in found.curves.plots] == ["val_loss", "val_accuracy"]
    assert found.bests_frame().index.tolist() == ["a", "b"]
    assert found.settings_frame().loc["momentum"].tolist() == ["0", "0.9"]


def test_a_trial_counts_the_images_of_its_own_data_set() -> None:
    sets = [
        {"fingerprint": "fingerprint", "images": {"train": 9, "validation": 50}, "settings": {}, "image_shape": [1]}
    ]
    one, other = (
        replace(job, job=replace(job.job, spec={**job.job.spec, "datasets": sets}))
        for job in (whole(A, 50), whole(B, 50))
    )
    (pair,) = compared(one, other).pairings
    for cell in pair.cells:
        assert cell.interval == pytest.approx(shares_interval(*cell.scores, (50, 50)))
