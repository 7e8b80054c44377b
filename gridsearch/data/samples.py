"""A few images that show what a data set holds."""

from __future__ import annotations

from itertools import chain, islice, zip_longest

import numpy as np

from gridsearch.data.checks import Labels
from gridsearch.data.splits import Indices, permutation

#: The stream of draws that samples have to themselves.
SAMPLE_STREAM = 100


def sample_places(labels: Labels, n: int, seed: int = 0) -> Indices:
    """Draw images at random, evenly from all classes.

    Args:
        labels: (N,).
        n: How many images; all if there are fewer.
        seed: Decides which.

    Returns:
        Their indices, ordered by class. The numbers per class differ by one at most, unless a class has no more.
    """
    order = permutation(len(labels), seed, SAMPLE_STREAM)
    of_class = [order[labels[order] == label].tolist() for label in np.unique(labels)]
    turns = chain.from_iterable(zip_longest(*of_class))
    return np.array(list(islice((place for place in turns if place is not None), n)), dtype=np.int64)
