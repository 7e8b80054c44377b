"""What follows from a confusion matrix and from latencies, against scikit-learn on the images themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix

from gridsearch.analysis.evaluations import scores, speeds
from gridsearch.store.rows import Evaluation, Latency, LatencyRow

NAMES = ("cat", "dog", "frog", "never seen")


def test_the_scores_of_classes_are_scikit_learn_s() -> None:
    chance = np.random.default_rng(3)
    true, guessed = chance.integers(0, 3, 200), chance.integers(0, 3, 200)
    counts = confusion_matrix(true, guessed, labels=range(4))
    found = scores(Evaluation("t", 3, None, NAMES, tuple(map(tuple, counts.tolist())), 0.1))
    report = classification_report(
        true, guessed, labels=range(4), target_names=NAMES, output_dict=True, zero_division=0.0
    )
    for one in found.classes:
        expected = report[one.name]
        assert (one.precision, one.recall, one.f1, one.support) == pytest.approx(
            [expected[key] for key in ("precision", "recall", "f1-score", "support")]
        )
    mean = report["macro avg"]
    assert (found.mean.precision, found.mean.recall, found.mean.f1) == pytest.approx(
        [mean[key] for key in ("precision", "recall", "f1-score")]
    )
    assert (found.images, found.mean.support, found.accuracy) == (200, 200, (true == guessed).mean())
    assert [sum(row) for row in found.shares] == pytest.approx([1, 1, 1, 0])
    assert found.shares[0][1] == counts[0, 1] / counts[0].sum()


def test_speeds_follow_from_seconds() -> None:
    (speed,) = speeds([LatencyRow("t", "T4", 100, 1000, 1.25, 5, datetime(2026, 1, 1, tzinfo=UTC))])
    assert (speed.ms_per_image, speed.images_per_second, speed.device) == (1.25, 800, "T4")
    assert speeds([Latency("t", "T4", 1, 10, 1.25, 5)])[0].ms_per_image == 125
