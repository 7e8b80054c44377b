"""scikit-learn's handwritten digits: 1,797 images of 8 x 8 that need no network."""

from __future__ import annotations

import numpy as np

from gridsearch.data.dataset import ImageDataset, dataset_from_arrays

HIGHEST_PIXEL = 16


def load_digits() -> ImageDataset:
    """Return the digits: uint8 (1797, 8, 8), ten classes, no test images of their own.

    The test part of "Optical Recognition of Handwritten Digits" (https://archive.ics.uci.edu/dataset/80), as
    `sklearn.datasets.load_digits` has it
    (https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html). Its pixels count 0..16 dots
    of a 4 x 4 cell and are spread over 0..255: round(x * 255 / 16), halves to even.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    arrays = {
        "train_images": np.round(bunch.images * (255 / HIGHEST_PIXEL)).astype(np.uint8),
        "train_labels": bunch.target.astype(np.int64),
    }
    return dataset_from_arrays("digits", arrays, source="scikit-learn's digits")
