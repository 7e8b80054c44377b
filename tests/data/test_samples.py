import numpy as np
import pytest

from gridsearch.data.digits import load_digits
from gridsearch.data.samples import sample_places


def test_every_class_has_its_turn() -> None:
    labels = load_digits().train_labels
    for n in (1, 9, 10, 25, 100):
        counts = np.bincount(labels[sample_places(labels, n)], minlength=10)
        assert counts.sum() == n and counts.max() - counts.min() <= 1


def test_the_seed_decides_which() -> None:
    labels = load_digits().train_labels
    assert sample_places(labels, 5).tolist() == [512, 623, 369, 708, 640]
    assert sample_places(labels, 30, 1).tolist() == sample_places(labels, 30, 1).tolist()
    assert not set(sample_places(labels, 5, 1)) & set(sample_places(labels, 5))


@pytest.mark.parametrize("n", [5, 50])
def test_rare_classes_run_out_and_no_image_stands_twice(n: int) -> None:
    labels = np.array([0] * 7 + [3] * 2 + [1])
    places = sample_places(labels, n)
    assert len(set(places)) == len(places) == min(n, 10)
    assert labels[places].tolist()[:5] == [0, 1, 3, 0, 3]
