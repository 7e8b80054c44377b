"""A few images that show what a data set holds."""

from __future__ import annotations

from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np

from gridsearch.data.checks import Labels
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import Indices, permutation
from gridsearch.data.targets import targets_of

#: The stream of draws that samples have to themselves.
SAMPLE_STREAM = 100


def sample_places(labels: Labels, n: int, seed: int = 0) -> Indices:
    """Draw images at random, evenly from all classes.

    Args:
        labels: (N,); of other targets than classes the first of an order drawn are taken.
        n: How many images; all if there are fewer.
        seed: Decides which.

    Returns:
        Their indices, ordered by class. The numbers per class differ by one at most, unless a class has no more.
    """
    order = permutation(len(labels), seed, SAMPLE_STREAM)
    if targets_of(labels) != "classes":
        return np.sort(order[:n])
    of_class = [order[labels[order] == label].tolist() for label in np.unique(labels)]
    turns = chain.from_iterable(zip_longest(*of_class))
    return np.array(list(islice((place for place in turns if place is not None), n)), dtype=np.int64)


def label_text(dataset: ImageDataset, label: Any) -> str:
    """Return a label in words: the class's name, the names of those that are 1, or the numbers."""
    if dataset.targets == "classes":
        return dataset.class_names[int(label)]
    if dataset.targets == "indicators":
        return ", ".join(name for name, own in zip(dataset.class_names, label, strict=True) if own) or "none"
    return ", ".join(f"{number:.4g}" for number in np.ravel(label))
