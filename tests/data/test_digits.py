from __future__ import annotations

import numpy as np
from sklearn import datasets

from gridsearch.data.dataset import ImageDataset


def test_digits_are_scikit_learns_spread_over_a_byte(digits: ImageDataset) -> None:
    original = datasets.load_digits()
    assert digits.train_images.shape == (1797, 8, 8)
    assert digits.test_images.shape == (0, 8, 8)
    assert digits.class_names == tuple("0123456789")
    np.testing.assert_array_equal(digits.train_labels, original.target)
    assert np.abs(digits.train_images - original.images * 255 / 16).max() <= 0.5
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
