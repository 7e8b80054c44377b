import math

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from gridsearch.analysis.confusion import confusion


def test_shares_of_classes_are_those_of_scikit_learn() -> None:
    draws = np.random.default_rng(0)
    true, taken = draws.integers(0, 5, 400), draws.integers(0, 5, 400)
    counts = np.zeros((5, 5), np.int64)
    np.add.at(counts, (true, taken), 1)
    found = confusion(counts, list("abcde"))
    expected = np.array(precision_recall_fscore_support(true, taken)).T
    assert found.class_frame()[["precision", "recall", "f1", "images"]].to_numpy() == pytest.approx(expected)
    assert found.accuracy == pytest.approx((true == taken).mean()) and found.images == 400
    assert np.array(found.shares) == pytest.approx(counts / counts.sum(1, keepdims=True))
    assert found.frame().loc["b", "d"] == counts[1, 3]


def test_a_share_of_nothing_is_none() -> None:
    found = confusion(np.array([[3, 0, 1], [0, 0, 0], [2, 0, 2]]))
    absent = found.classes[1]
    assert found.class_names == ("0", "1", "2")
    assert (absent.images, absent.precision, absent.recall, absent.f1) == (0, None, None, None)
    assert found.shares[1] == (None, None, None)
    assert math.isnan(found.class_frame().loc["1", "recall"])
    assert confusion(np.zeros((2, 2), int)).accuracy is None


@pytest.mark.parametrize("counts", [[[1, 2]], [1, 2], [[0.5, 0.5], [0, 1]]])
def test_what_is_no_matrix_of_counts_is_refused(counts: list[object]) -> None:
    with pytest.raises(ValueError, match=r"\(K, K\)"):
        confusion(counts)
    with pytest.raises(ValueError, match="2 names for 3 classes"):
        confusion(np.eye(3, dtype=int), ["a", "b"])
