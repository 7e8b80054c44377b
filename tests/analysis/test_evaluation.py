"""What follows from a confusion matrix and from latencies, against scikit-learn on the images themselves."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, classification_report, confusion_matrix
from statsmodels.stats.proportion import proportion_confint

from gridsearch.analysis.evaluation import absent_text, scores, speeds
from gridsearch.store.rows import Evaluation, Latency, LatencyRow

NAMES = ("cat", "dog", "frog", "never seen")


def evaluation(counts: np.ndarray, names: tuple[str, ...]) -> Evaluation:
    return Evaluation("t", 3, None, names, tuple(map(tuple, counts.tolist())), 0.1)


def test_the_scores_of_classes_are_scikit_learn_s() -> None:
    chance = np.random.default_rng(3)
    true, guessed = chance.integers(0, 3, 200), chance.integers(0, 3, 200)
    counts = confusion_matrix(true, guessed, labels=range(4))
    found = scores(evaluation(counts, NAMES))
    report = classification_report(true, guessed, labels=range(3), target_names=NAMES[:3], output_dict=True)
    for one in found.classes[:3]:
        expected = report[one.name]
        assert (one.precision, one.recall, one.f1, one.support) == pytest.approx(
            [expected[key] for key in ("precision", "recall", "f1-score", "support")]
        )
    mean = report["macro avg"]
    assert (found.mean.precision, found.mean.recall, found.mean.f1) == pytest.approx(
        [mean[key] for key in ("precision", "recall", "f1-score")]
    )
    assert found.mean.recall == pytest.approx(balanced_accuracy_score(true, guessed))
    assert (found.images, found.mean.support, found.accuracy) == (200, 200, (true == guessed).mean())
    right = int((true == guessed).sum())
    assert found.interval == pytest.approx(proportion_confint(right, 200, method="wilson"))
    assert [sum(row) for row in found.shares] == pytest.approx([1, 1, 1, 0])
    assert found.shares[0][1] == counts[0, 1] / counts[0].sum()


@pytest.mark.parametrize(("guessed_so", "precision"), [(0, None), (2, 0.0)])
def test_what_a_class_without_test_images_has_is_undefined(guessed_so: int, precision: float | None) -> None:
    found = scores(evaluation(np.array([[8, 2, 0], [1, 9 - guessed_so, guessed_so], [0, 0, 0]]), NAMES[:3]))
    absent = found.classes[2]
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (precision, None, None, 0)
    assert found.mean.recall == pytest.approx((0.8 + (9 - guessed_so) / 10) / 2)
    assert absent_text(found).startswith("1 class has no test images: their recall and F1 are undefined")
    assert absent not in found.worst


def test_a_class_that_is_never_predicted_scores_nothing() -> None:
    found = scores(evaluation(np.array([[5, 0], [5, 0]]), NAMES[:2]))
    assert (found.classes[1].precision, found.classes[1].recall, found.classes[1].f1) == (0, 0, 0)
    assert (found.absent, absent_text(found)) == (0, "")


def test_the_largest_confusions_and_the_worst_classes() -> None:
    counts = np.diag(np.full(60, 10))
    counts[7, 9], counts[3, 4], counts[5, 4] = 6, 6, 2
    counts[3, 3] = 4
    found = scores(evaluation(counts, tuple(f"c{place}" for place in range(60))))
    assert found.many and not scores(evaluation(counts[:50, :50], found.class_names[:50])).many
    assert [(one.true, one.predicted, one.images) for one in found.mistakes] == [
        ("c3", "c4", 6), ("c7", "c9", 6), ("c5", "c4", 2),
    ]  # fmt: skip
    assert found.mistakes[0].share == 0.6
    assert [one.name for one in found.worst[:4]] == ["c3", "c4", "c7", "c9"]
    assert len(found.cells) == 63 and (7, 9, 6) in found.cells


def test_three_thousand_classes_take_no_time() -> None:
    counts = np.diag(np.ones(3000, int))
    counts[1, 2] = 5
    one = evaluation(counts, tuple(map(str, range(3000))))
    started = time.perf_counter()
    assert scores(one).mistakes[0].images == 5
    assert time.perf_counter() - started < 10


def test_speeds_follow_from_seconds() -> None:
    (speed,) = speeds([LatencyRow("t", "T4", 100, 1000, 1.25, 5, datetime(2026, 1, 1, tzinfo=UTC))])
    assert (speed.ms_per_image, speed.images_per_second, speed.device) == (1.25, 800, "T4")
    assert speeds([Latency("t", "T4", 1, 10, 1.25, 5)])[0].ms_per_image == 125
