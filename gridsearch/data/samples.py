"""A few images that show what a data set holds."""

from __future__ import annotations

from itertools import chain, islice, zip_longest

import numpy as np

from gridsearch.data.checks import Labels
from gridsearch.data.splits import Indices, permutation

#: The stream of draws that samples have to themselves.
SAMPLE_STREAM = 100


def sample_places(labels: Labels, n: int, seed: int = 0) -> Indices:
    """Return where `n` images drawn at random lie (all, where there are fewer): class after class in turn.

    The classes' shares differ by one image at most, unless one has run out; `seed` decides which images.
    """
    order = permutation(len(labels), seed, SAMPLE_STREAM)
    of_class = [order[labels[order] == label].tolist() for label in np.unique(labels)]
    turns = chain.from_iterable(zip_longest(*of_class))
    return np.array(list(islice((place for place in turns if place is not None), n)), dtype=np.int64)
