"""What a job's document says: what the numbers allow, in order, and nothing else."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import brief_text, score_text
from gridsearch.analysis.ranking import table
from gridsearch.config.events import TrialState
from gridsearch.store.rows import EvaluationRow, LaunchRow, Origin
from gridsearch.visualization.document.compose import document_of
from gridsearch.visualization.document.findings import Findings
from gridsearch.visualization.document.parts import Code, Document, Figures, Listing, Paragraph, Section, Table
from gridsearch.visualization.document.phrases import opened
from gridsearch.visualization.paper import paper_figures
from tests.analysis.grids import SHALLOW, START, grid, job_data, make_epochs, make_job, make_trial, shallow_score
from tests.visualization.own_jobs import OWN_JOBS
from tests.visualization.test_page import evaluated

LOSS = {"metric": "val_loss", "at": "last", "mode": "min"}


def repeated(repeats: int = 3) -> JobData:
    """Three widths, each trained several times, of which the wider the better."""
    rows = [
        make_trial({"neurons": n, "seed": seed}, 0.5 + n / 100 + (seed - 1) * (n - 20) / 1000)
        for n in (10, 20, 30)
        for seed in range(repeats)
    ]
    return job_data(make_job({"neurons": [10, 20, 30]}, name="repeated", repeats=repeats), rows, make_epochs(rows))


def with_failures() -> JobData:
    """Of twelve trials four failed, at the largest rate, and one diverged."""
    rows = []
    for rate in (0.01, 0.1, 1.0):
        for n in (10, 20, 30, 40):
            if rate == 1.0:
                row = make_trial({"learning_rate": rate, "n": n}, state=TrialState.FAILED, error="OSError: full")
            elif (rate, n) == (0.1, 20):
                row = make_trial({"learning_rate": rate, "n": n}, state=TrialState.DIVERGED)
            else:
                row = make_trial({"learning_rate": rate, "n": n}, 0.5 + n / 100)
            rows.append(row)
    job = make_job({"learning_rate": [0.01, 0.1, 1.0], "n": [10, 20, 30, 40]}, name="failing")
    return job_data(job, rows, make_epochs([row for row in rows if row.state != TrialState.FAILED]))


def made(data: JobData, *, drawn: bool = False) -> Document:
    names = frozenset(one.name for one in paper_figures(data, 85)) if drawn else frozenset()
    return document_of(Findings(data, "results.db", START, names))


def titles(document: Document) -> list[str]:
    return [section.title for section in document.sections]


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title == title)


def said(document: Document, title: str = "") -> str:
    """The sentences of a document, or of one of its sections."""
    sections = [section(document, title)] if title else document.sections
    return " ".join(block.text for one in sections for block in one.blocks if isinstance(block, Paragraph))


def tables(document: Document, title: str = "") -> list[Table]:
    sections = [section(document, title)] if title else document.sections
    return [block for one in sections for block in one.blocks if isinstance(block, Table)]


def test_sections_stand_in_the_order_of_a_report() -> None:
    document = made(evaluated(grid(SHALLOW, shallow_score, name="shallow", classes=10), 2, 7), drawn=True)
    assert titles(document) == [
        "What was searched",
        "The result",
        "Along each axis",
        "What matters",
        "Curves",
        "On the test images",
        "What a score costs",
        "What to try next",
        "How to reproduce",
    ]
    told = titles(made(with_failures()))
    assert told.index("Failures and divergences") == told.index("What to try next") - 1
    assert "Spread over repeats" in titles(made(repeated())) and "Spread over repeats" not in told


def test_the_whole_grid_is_told() -> None:
    document = made(grid(SHALLOW, shallow_score, name="shallow", classes=10))
    searched = said(document, "What was searched")
    assert "1,294 to train on, 323 for validation and 180 for the test" in searched
    assert "The grid of all their combinations has 192 trials." in searched
    assert "highest validation accuracy after their last epoch" in searched
    assert "384 epochs for 576 epochs of results" in searched
    axes = tables(document, "What was searched")[0].grid
    assert axes.rows[0] == ["batch size", "6", "4, 8, 16, 32, 64, 128"]
    result = said(document, "The result")
    assert "The best validation accuracy is 0.9570 (95 % interval" in result
    assert "with batch size 4, epochs 4, learning rate 0.1, neurons 100" in result
    assert "The best value of learning rate (0.1) is the largest tried." in result
    along = said(document, "Along each axis")
    assert "Along batch size the mean validation accuracy falls from" in along
    assert "Along learning rate the mean validation accuracy falls from" not in along
    matters = said(document, "What matters")
    assert "learning rate explains" in matters and "The grid is whole, so shares of the variance are exact; " in matters
    reproduce = section(document, "How to reproduce").blocks
    listings = [block.text for block in reproduce if isinstance(block, Listing)]
    assert listings == ["gridsearch launch shallow.yaml\ngridsearch top shallow", "name: sample"]


def test_the_commands_and_the_commits_of_launches_are_told() -> None:
    commit = "5a1c04be3d29f8e1c2d3" * 2
    origins = [Origin("gridsearch launch a.yaml", commit, clean=False), Origin("gridsearch launch a.yaml", commit)]
    launches = tuple(
        LaunchRow(n, "shallow", "host", 1, 1.0, 0, 2, START, START, "complete", origin=origin)
        for n, origin in enumerate([*origins, Origin()])
    )
    document = made(replace(grid(SHALLOW, shallow_score), launches=launches))
    reproduce = said(document, "How to reproduce")
    assert "5a1c04be3d29, with changes; 5a1c04be3d29, not known whether unchanged." in reproduce
    assert "The launches were started by this:" in reproduce
    listings = [block.text for block in section(document, "How to reproduce").blocks if isinstance(block, Listing)]
    assert listings[-1] == "gridsearch launch a.yaml"


def test_the_table_of_the_best_and_the_worst_is_that_of_top() -> None:
    data = grid(SHALLOW, shallow_score)
    shown, ranking = tables(made(data), "The result")[0], table(data)
    assert [row[2:] for row in shown.grid.rows] == [list(row.cells) for row in ranking.rows]
    assert shown.grid.gap_after == 5 and shown.caption == "The 5 best and the 5 worst of 192 trials"


def test_every_figure_that_is_named_was_drawn_and_says_what_it_shows() -> None:
    data = evaluated(grid(SHALLOW, shallow_score, name="shallow", classes=10), 2)
    drawn = {one.name: one for one in paper_figures(data, 85)}
    document = document_of(Findings(data, "", START, frozenset(drawn)))
    assert len(document.figures) == len(set(document.figures)) >= 10
    assert set(document.figures) <= set(drawn)
    scatter = drawn["shallow-scatter"].figure
    caption = next(
        block.caption
        for block in section(document, "Along each axis").blocks
        if isinstance(block, Figures) and block.figures[0].name == "shallow-scatter"
    )
    assert scatter.layout.xaxis.title.text.partition(" (")[0] in caption
    assert scatter.layout.legend.title.text.partition(" (")[0] in caption.partition("coloured by ")[2]
    assert made(data).figures == ()
    assert "shallow-spread" not in drawn
    assert "repeated-spread" in made(repeated(), drawn=True).figures


def test_one_trial_is_compared_with_nothing() -> None:
    document = made(grid({"n": [1]}, lambda p: 0.5))
    assert "It is the only trial with a score, so there is nothing to compare it with." in said(document, "The result")
    assert "No axis has two values with a score, so there is no effect to tell." in said(document, "What matters")
    assert "Along each axis" not in titles(document)
    assert tables(document, "The result")[0].caption == "The only trial with a result"


def test_where_all_diverged_nothing_is_ranked() -> None:
    document = made(grid({"n": [1, 2, 3]}, lambda p: None))
    assert said(document, "The result") == "All 3 trials diverged, so nothing can be ranked."
    assert tables(document, "The result")[0].caption == "The 3 trials with a result"
    assert said(document, "Failures and divergences") == "3 trials of 3 diverged."
    assert not {"Along each axis", "What matters", "What a score costs"} & set(titles(document))
    alone = made(grid({"n": [1]}, lambda p: None))
    assert said(alone, "The result") == "The only trial diverged, so nothing can be ranked."


def test_where_no_trial_has_finished_there_is_nothing_to_rank() -> None:
    rows = [make_trial({"n": n}, state=TrialState.PENDING) for n in (1, 2)]
    document = made(job_data(make_job({"n": [1, 2]}), rows, []))
    assert titles(document) == ["What was searched", "The result", "What to try next", "How to reproduce"]
    assert said(document, "The result") == "No trial has a result yet, so nothing can be ranked."
    assert "None of them is trained yet." in said(document, "What was searched")
    empty = made(job_data(make_job({}), [], []))
    assert said(empty, "The result") == "The job has no trials."


def test_scores_that_are_no_numbers_are_no_result() -> None:
    rows = [make_trial({"n": n}) for n in (1, 2, 3)]
    document = made(job_data(make_job({"n": [1, 2, 3]}), rows, make_epochs(rows)))
    assert said(document, "The result") == "No trial has a score that is a finite number, so nothing can be ranked."
    assert "What matters" not in titles(document)


def test_constant_scores_tell_nothing_of_an_axis() -> None:
    for objective in ({}, {"objective": LOSS}):
        document = made(grid({"n": [1, 2, 3], "m": [1, 2]}, lambda p: 0.5, **objective))
        assert "6 of 6 trials cannot be told apart at the top" in said(document, "The result")
        assert "Shares of the variance cannot be told" in said(document, "What matters")
        assert " explains " not in said(document)
        assert "is the same at every value of n" in said(document, "Along each axis")
        assert "share" not in tables(document, "What matters")[0].grid.headings


def test_limits_that_no_trial_keeps_leave_no_best() -> None:
    rows = [make_trial({"n": n}, 0.5 + n / 100, parameters=100 * n, macs=1) for n in (1, 2)]
    job = make_job({"n": [1, 2]}, constraints={"parameters": 10})
    document = made(job_data(job, rows, make_epochs(rows)))
    assert (
        said(document, "The result") == "No trial has a result within the job's constraints, so nothing can be ranked."
    )
    assert "2 trials exceed that" in said(document, "What was searched")


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["completed"], "It completed."),
        (["pending"], "It is not trained yet."),
        (["diverged"] * 2, "Both diverged."),
        (["completed"] * 3, "All 3 completed."),
        (["completed", "pending"], "Of them 1 completed and 1 is not trained yet."),
        (["stopped", "cancelled", "failed"], "Of them 1 stopped early, 1 failed and 1 was cancelled."),
    ],
)
def test_what_became_of_the_trials_is_a_sentence(states: list[str], told: str) -> None:
    rows = [make_trial({"n": n}, 0.5, state=TrialState(state)) for n, state in enumerate(states)]
    document = made(job_data(make_job({"n": list(range(len(states)))}), rows, make_epochs(rows)))
    assert f" {told} " in f"{said(document, 'What was searched')} "


def test_what_diverged_has_no_rank() -> None:
    ranking = tables(made(with_failures()), "The result")[0].grid
    assert ranking.headings[:3] == ["rank", "trial", "validation accuracy"]
    ranks = {row[2] == "diverged": row[0] for row in ranking.rows}
    assert ranks[True] == "" and ranks[False].isdigit()


def test_how_to_reproduce_names_the_files_that_are_needed_and_the_data() -> None:
    print_ = "0123456789abcdef" * 4
    own = {"dataset": "mine.npz", "model": "nets.wide:Net", "fingerprint": print_, "sources": {"nets.wide": "ab"}}
    told = said(made(grid({"n": [1, 2]}, lambda p: 0.5, **own)), "How to reproduce")
    assert "It needs these files beside it too: mine.npz and nets/wide.py. " in told
    assert "The data set that it was trained on has the fingerprint 0123456789ab (SHA-256 of its content)." in told
    assert "too: " not in said(made(grid({"n": [1, 2]}, lambda p: 0.5)), "How to reproduce")


def test_a_name_at_the_beginning_of_a_sentence_stays_as_it_is() -> None:
    assert opened("weight_decay explains 1 %", ["weight_decay"]) == (Code("weight_decay"), " explains 1 %.")
    assert opened("all trials share seed 0", ["seed"]) == "All trials share seed 0."


def test_failures_are_told_with_what_they_share() -> None:
    document = made(with_failures())
    told = said(document, "Failures and divergences")
    assert told == "1 trial of 12 diverged. 4 trials of 12 failed, missing from every mean and from the ranking."
    lost, causes = tables(document, "Failures and divergences")
    assert [row[:2] for row in lost.grid.rows] == [["2", "1"]] and len(lost.grid.rows[0][2]) == 8
    assert causes.grid.rows == [["OSError: full", "4", "learning_rate 1"]]
    assert "Of them 7 completed, 1 diverged and 4 failed." in said(document)
    assert "The trials are no whole grid" in said(document, "What matters")


def test_points_are_told_by_their_means() -> None:
    document = made(repeated())
    assert "The best validation accuracy is 0.8000" in said(document, "The result")
    assert "the mean of 3 trainings, reached with neurons 30 (first trial" in said(document, "The result")
    assert "The best mean of a point, 0.8000, is reached with 30" in said(document, "Along each axis")
    spread = said(document, "Spread over repeats")
    assert spread.startswith("The 3 trainings of the best point lie between 0.7900 and 0.8100, 0.8000 in the mean.")
    searched = said(document, "What was searched")
    assert "has 3 points and 9 trials" in searched and "Each point is trained 3 times, each time from other" in searched


def test_the_test_is_told_of_the_best_ranked() -> None:
    document = made(evaluated(grid(SHALLOW, shallow_score, classes=2), 7, 2))
    told = said(document, "On the test images")
    assert "rank 2 in the ranking" in told and "is right on 84.69 % of 98 test images" in told
    assert "95 % interval 76.27 to 90.50 %" in told
    assert "10 images, 20.0 % of that class" in told
    classes, every, speed = tables(document, "On the test images")
    assert classes.grid.rows[0] == ["cat", "50", "0.889", "0.800", "0.842"]
    assert [row[0] for row in every.grid.rows] == ["2", "7"] and len(speed.grid.rows) == 2
    assert "On the test images" not in titles(made(grid(SHALLOW, shallow_score)))


def test_the_test_of_a_point_is_the_mean_over_its_trainings() -> None:
    data = repeated()
    confusions = {row.trial_id: ((40 - place, 10 + place), (5, 45)) for place, row in enumerate(data.rows)}
    rows = [EvaluationRow(one, 3, 0.5, ("a", "b"), counts, 0.1, START) for one, counts in confusions.items()]
    document = made(replace(data, evaluations=tuple(rows[6:])))
    told = said(document, "On the test images")
    accuracies = [(85 - place) / 100 for place in (6, 7, 8)]
    mean = f"{statistics.fmean(accuracies):.4f} ± {statistics.stdev(accuracies):.4f} (n=3)"
    assert "The point of rank 1 in the ranking (neurons 30) has 3 trainings, each tried on 100 test images." in told
    assert f"The test accuracy is {mean}, loss 0.5000 ± 0.0000 (n=3)" in told and "% interval" not in told
    assert "counted over the 3 trainings together, so that each image counts 3 times" in told
    classes, trainings = tables(document, "On the test images")
    assert [row[1] for row in classes.grid.rows] == ["150", "150", "300"] and "3 trainings together" in classes.caption
    assert [row[2] for row in trainings.grid.rows] == ["0", "1", "2"] and trainings.grid.headings[2] == "seed"
    part = said(made(replace(data, evaluations=tuple(rows[6:7]))), "On the test images")
    assert "has 3 trainings, of which 1 was tried on 100 test images. The test accuracy is 0.7900 (n=1 of 3)" in part
    several = tables(made(replace(data, evaluations=tuple(rows))), "On the test images")
    assert several[1].grid.rows[0][-2] == mean and len(several[1].grid.rows) == 3


@pytest.mark.parametrize("repeats", [1, 3])
def test_without_classes_the_test_is_told_by_loss_and_metrics(repeats: int) -> None:
    data = repeated(repeats)
    metrics = {"test_rmse": 0.25, "test_r2": None}
    rows = [EvaluationRow(row.trial_id, 3, 0.5, (), (), 0.1, START, examples=100, metrics=metrics) for row in data.rows]
    document = made(replace(data, evaluations=tuple(rows)))
    measured = tables(document, "On the test images")[0].grid.rows
    values = ["0.5000 ± 0.0000 (n=3)", "0.2500 ± 0.0000 (n=3)"] if repeats > 1 else ["0.500000", "0.250000"]
    assert measured == [["loss", values[0]], ["rmse", values[1]], ["r2", ""]]
    assert "100 test examples" in said(document, "On the test images")


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("mse", "For each, 1 number is to be predicted."),
        ("bce", "Each belongs to one class or does not."),
        ("cross_entropy", "They belong to 1 class."),
        ("my_losses:Focal", "A model gives 1 number for each."),
    ],
)
def test_what_is_predicted_is_said_by_task(loss: str, words: str) -> None:
    rows = [make_trial({"n": n}, val_accuracy=None, state=TrialState.PENDING) for n in (1, 2)]
    images = {"train": 400, "validation": 100, "test": 0}
    job = make_job({"n": [1, 2]}, fixed={"loss": loss}, classes=1, image_shape=[1, 8, 8], images=images)
    searched = said(made(job_data(job, rows, [])), "What was searched")
    told = "there are 400 to train on and 100 for validation; none are set aside for the test. "
    assert f"{told}Each example has the shape 1 x 8 x 8. {words}" in searched


def test_of_classes_that_are_recognised_alike_none_is_singled_out() -> None:
    data = grid({"n": [1, 2]}, lambda p: p["n"] / 10)

    def reading(*confusion: tuple[int, ...]) -> str:
        names = tuple("abcdefgh"[: len(confusion)])
        tried = EvaluationRow(data.rows[1].trial_id, 3, 0.5, names, confusion, 0.1, START)
        return said(made(replace(data, evaluations=(tried,))), "On the test images").partition("loss 0.5000. ")[2]

    assert reading((4, 1, 0), (1, 4, 0), (0, 0, 5)) == (
        "Of the classes, a and b are recognised worst (F1 0.800), c best (1.000). The most frequent confusions, 2 of"
        " them, are of 1 image each, a taken for b among them."
    )
    # In the order of the classes, whatever images each has.
    assert reading((1, 0, 0, 0), (0, 1, 1, 0), (0, 1, 1, 0), (0, 0, 0, 9)).startswith(
        "Of the classes, b and c are recognised worst (F1 0.500), a and d best (1.000)."
    )
    assert reading((5, 0), (0, 5)) == "No image was taken for one of another class."
    assert reading((3, 2), (0, 5)).endswith(
        "The most frequent confusion is a taken for b: 2 images, 40.0 % of that class."
    )


@pytest.mark.parametrize("name", OWN_JOBS)
def test_trainings_of_the_users_own_are_told_in_their_words(name: str) -> None:
    data = OWN_JOBS[name]
    document = made(data)
    told = said(document)
    assert "This job runs the training function my_training:train." in told
    assert "Its seeds give the same numbers" not in told and "validation images" not in told
    if name == "without-epochs":
        assert not re.search(r"\bepochs?\b", told.replace("without-epochs", "")) and "Curves" not in titles(document)


def test_rules_and_draws_are_no_whole_grid() -> None:
    data = grid({"n": [1, 2, 3], "m": [1, 2]}, lambda p: p["n"] / 10)
    part = job_data(data.job, data.rows[:4], make_epochs(data.rows[:4]))
    assert "Of their 6 combinations not each is a trial of its own" in said(made(part))
    drawn = job_data(
        replace(data.job, spec={**data.job.spec, "search": {"random": 4, "drawn": 4, "size": 6}}), data.rows[:4]
    )
    assert "A random search of 4 trials" in made(replace(drawn, curves=part.curves, cost=part.cost)).subtitle


@settings(max_examples=20, deadline=None)
@given(
    scores=st.lists(
        st.one_of(st.none(), st.sampled_from([0.1, 0.5, 0.9]), st.floats(0.0, 1.0, allow_nan=False)),
        min_size=6,
        max_size=6,
    ),
    falling=st.booleans(),
)
def test_whatever_the_scores_are_no_sentence_contradicts_them(scores: list[float | None], falling: bool) -> None:
    places = iter(scores)
    own = {"objective": {"metric": "val_accuracy", "at": "last", "mode": "min"}} if falling else {}
    data = grid({"n": [1, 2, 3], "m": [1, 2]}, lambda p: next(places), **own)
    document = made(data)
    told = said(document)
    assert not re.search(r"\b(nan|inf|None)\b", told)
    assert not any(
        re.search(r"^(nan|inf|None)$", cell) for one in tables(document) for row in one.grid.rows for cell in row
    )
    known = [score for score in scores if score is not None]
    best = (min(known) if falling else max(known)) if known else None
    claimed = re.search(r"The best validation accuracy is ([\d.e+-]+)", told)
    assert (claimed[1].rstrip(".") if claimed else None) == (None if best is None else brief_text(best))
    assert ("It is the only trial with a score" in told) == (len(known) == 1)
    assert ("diverged, so nothing can be ranked" in told) == (not known)
    assert (" explains " in told) <= (len(set(known)) > 1)
    means = {
        n: [
            score
            for score, row in zip(scores, data.trials["n"].tolist(), strict=True)
            if row == n and score is not None
        ]
        for n in (1, 2, 3)
    }
    order = [math.fsum(own) / len(own) for own in means.values() if own]
    if "Along n the mean validation accuracy rises" in told:
        assert order[0] < order[-1] + 1e-12
    if "Along n the mean validation accuracy falls" in told:
        assert order[0] > order[-1] - 1e-12
    for row in next((one.grid.rows for one in tables(document) if "each value" in one.caption), []):
        if row[0] == "n":
            assert row[3] == score_text(order[0])
