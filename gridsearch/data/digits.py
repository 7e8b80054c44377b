"""scikit-learn's handwritten digits: 1,797 images of 8 x 8 that need no network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridsearch.data.dataset import ImageDataset, dataset_from_arrays

HIGHEST_PIXEL = 16


def load_digits() -> ImageDataset:
    """Return the digits: uint8 (1797, 8, 8), ten classes, no test images of their own.

    The test part of "Optical Recognition of Handwritten Digits" (https://archive.ics.uci.edu/dataset/80), as
    `sklearn.datasets.load_digits` has it
    (https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html). Its pixels count 0..16 dots
    of a 4 x 4 cell and are spread over 0..255: round(x * 255 / 16), halves to even.
    """
    images, labels = _shipped()
    arrays: dict[str, NDArray[Any]] = {
        "train_images": np.round(images * (255 / HIGHEST_PIXEL)).astype(np.uint8),
        "train_labels": labels.astype(np.int64),
    }
    return dataset_from_arrays("digits", arrays, source="scikit-learn's digits")


def _shipped() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the images, float64 (1797, 8, 8), and their digits, as scikit-learn has them.

    Its import, which takes seconds, is for a version of it that keeps its file elsewhere.
    """
    found = find_spec("sklearn")
    for folder in (found and found.submodule_search_locations) or ():
        if (file := Path(folder, "datasets", "data", "digits.csv.gz")).is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    from sklearn import datasets

    bunch = datasets.load_digits()
    return bunch.images, bunch.target
