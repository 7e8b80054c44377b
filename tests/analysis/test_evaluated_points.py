"""Points that were tried on the test images: means over their trainings, held against numpy and scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from statsmodels.stats.contingency_tables import mcnemar

from gridsearch.analysis.evaluated_points import classified, evaluated_points
from gridsearch.analysis.evaluated_trials import evaluated_frame
from gridsearch.analysis.frames import JobData
from gridsearch.store.rows import EvaluationRow
from tests.analysis.grids import START, grid, job_data, make_epochs, make_job, make_trial

CLASSES, IMAGES = 3, 40
TRUE = np.random.default_rng(0).integers(0, CLASSES, IMAGES)


def predicted(seed: int, share: float) -> np.ndarray:
    """The labels, of which a share is drawn anew."""
    random = np.random.default_rng(seed)
    return np.where(random.random(IMAGES) < share, random.integers(0, CLASSES, IMAGES), TRUE)


def evaluation(trial: str, answers: np.ndarray, loss: float | None) -> EvaluationRow:
    counts = tuple(map(tuple, confusion_matrix(TRUE, answers, labels=range(CLASSES)).tolist()))
    correct = np.packbits(answers == TRUE).tobytes()
    return EvaluationRow(trial, 3, loss, ("a", "b", "c"), counts, 0.1, at=START, correct=correct)


def repeated(seeds: int = 3, folds: int | None = None) -> tuple[JobData, dict[str, np.ndarray]]:
    """Two widths, trained several times each, all evaluated; and what each trial answered."""
    of_fold = [{"fold": fold, "split": {"folds": folds}} for fold in range(folds)] if folds else [{}]
    rows = [
        make_trial({"neurons": n, "seed": seed} | fold, 0.5 + n / 100 + seed / 100)
        for n in (10, 20)
        for seed in range(seeds)
        for fold in of_fold
    ]
    answers = {row.trial_id: predicted(place, 0.4) for place, row in enumerate(rows)}
    tested = [evaluation(trial, own, 0.5 + place / 10) for place, (trial, own) in enumerate(answers.items())]
    job = make_job({"neurons": [10, 20]}, repeats=seeds, **({"folds": folds} if folds else {}))
    return replace(job_data(job, rows, make_epochs(rows)), evaluations=tuple(tested)), answers


@pytest.mark.parametrize(("seeds", "folds"), [(3, None), (1, 4), (2, 2)])
def test_a_point_is_the_mean_over_its_trainings_and_its_classes_are_of_all_of_them(
    seeds: int, folds: int | None
) -> None:
    data, answers = repeated(seeds, folds)
    best, other = evaluated_points(data)
    assert (best.rank, other.rank) == (1, 2) and dict(best.settings) == {"neurons": "20"}
    own = [answers[one.trial] for one in best.trials]
    accuracies = [float(np.mean(one == TRUE)) for one in own]
    text = f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f} (n={len(own)})"
    assert best.of == len(own) == seeds * (folds or 1) and best.mean_text("test_accuracy") == text
    losses = [one.scores.loss for one in best.trials]
    assert best.mean_text("test_loss") == f"{np.mean(losses):.4f} ± {np.std(losses, ddof=1):.4f} (n={len(own)})"
    every, labels = np.concatenate(own), np.tile(TRUE, len(own))
    assert best.together.confusion == tuple(map(tuple, confusion_matrix(labels, every).tolist()))
    expected = precision_recall_fscore_support(labels, every)
    found = [(one.precision, one.recall, one.f1, one.support) for one in best.together.classes]
    assert found == [pytest.approx(one) for one in zip(*expected, strict=True)]
    # One training's loss is not that of all.
    assert best.together.loss is None and best.together.accuracy == pytest.approx(np.mean(accuracies))
    assert classified(data) == best.together and classified(data, best.trials[1].trial) == best.trials[1].scores


def test_trainings_of_one_point_are_not_held_against_each_other() -> None:
    data, answers = repeated(2, 2)
    best, other = evaluated_points(data)
    assert all(one.behind is None for one in best.trials)
    held = [one for one in other.trials if one.behind]
    assert [one.repeat for one in held] == [best.first.repeat] == [(("seed", "0"), ("fold", "0"))]
    first, second = (answers[one] == TRUE for one in (best.first.trial, held[0].trial))
    cells = [[0, int((first & ~second).sum())], [int((~first & second).sum()), 0]]
    assert held[0].behind and held[0].behind.p_value == pytest.approx(mcnemar(cells, exact=True).pvalue)
    frame = evaluated_frame(data)
    assert frame["p_mcnemar"].notna().sum() == 1
    assert list(zip(frame["seed"], frame["fold"], strict=True))[:4] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]


def test_of_a_point_that_was_not_tried_whole_the_rest_is_counted() -> None:
    data, _ = repeated()
    (one, *_), *_ = (point.trials for point in evaluated_points(data))
    (alone,) = evaluated_points(replace(data, evaluations=data.evaluations[4:5]))
    assert alone.mean_text("test_accuracy").endswith("(n=1 of 3)") and len(alone.trials) == 1
    assert alone.first.trial != one.trial and alone.together == alone.first.scores


def test_a_trial_that_was_trained_once_is_a_point_of_its_own() -> None:
    data = grid({"neurons": [10, 20]}, lambda point: point["neurons"] / 100)
    tested = tuple(evaluation(row.trial_id, TRUE, None) for row in data.rows)
    points = evaluated_points(replace(data, evaluations=tested))
    assert [(one.of, len(one.trials), one.first.repeat) for one in points] == [(1, 1, ())] * 2
    assert points[0].mean_text("test_loss") == "" and points[1].first.behind is not None
    assert evaluated_points(data) == ()
