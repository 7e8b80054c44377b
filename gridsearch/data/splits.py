"""Which images train, validate and test: a pure function of the data set, the split and the data seed.

The draws use the raw 64-bit output of PCG64 seeded by `SeedSequence`, both of which NumPy promises never to
change (NEP 19), sorted with a stable sort. `Generator.permutation` carries no such promise and is not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsearch.data.allocation import proportional_counts
from gridsearch.data.checks import Images, Labels
from gridsearch.data.dataset import ImageDataset
from gridsearch.errors import DataError
from gridsearch.spec.trial import Split

Indices = npt.NDArray[np.int64]

#: Streams of draws that one data seed gives; the test images stay the same when the validation share changes.
TEST_STREAM, VALIDATION_STREAM = 1, 2


@dataclass(frozen=True, eq=False)
class SplitIndices:
    """Which images belong to which part; each int64, ascending, disjoint.

    Index i is training image i of the data set for i < N_train, and its test image i - N_train from there on,
    whether or not the split merges them.
    """

    train: Indices
    validation: Indices
    test: Indices


@dataclass(frozen=True, eq=False)
class SplitDataset:
    """A data set divided as a split says: images uint8 (N, H, W[, C]), labels int64 (N,); test may be empty.

    Rows are in the order of `indices`. `fingerprint` is that of the whole data set.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    indices: SplitIndices
    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    test_images: Images
    test_labels: Labels


def split_indices(dataset: ImageDataset, split: Split, data_seed: int) -> SplitIndices:
    """Return the parts of `dataset` under `split`, drawn with `data_seed` (any integer >= 0).

    - `merge`: the pool is training and test images, in that order; `test` must say how many of it test.
    - no `merge`, `test` given: it is taken from the training images; test images of the data set's own are
      unused.
    - no `merge`, no `test`: the data set's own test images test; where it has none, the test part is empty.
    - `validation` is taken from what remains for training.

    A fraction is rounded to the nearest whole number of images, halves up. With `stratify` each class has its
    share of each part drawn, to within one image. Raises DataError when a part would be empty, images do not
    suffice, or a stratified part would lack a class.
    """
    own_train, own_test = len(dataset.train_labels), len(dataset.test_labels)
    pool = np.arange(own_train + own_test if split.merge else own_train)
    drawing = _Drawing(dataset, split.stratify, data_seed)
    if split.test is not None:
        test, pool = drawing.take("test", split.test, pool=pool, stream=TEST_STREAM)
    elif split.merge:
        raise DataError(
            f"split: merge pools the training and test images of {dataset.name} but nothing says how many of "
            f"the {len(pool)} test; add test, e.g. test: 0.1"
        )
    else:
        test = np.arange(own_train, own_train + own_test)
    validation, train = drawing.take("validation", split.validation, pool=pool, stream=VALIDATION_STREAM)
    return SplitIndices(train=train, validation=validation, test=test)


def apply_split(dataset: ImageDataset, split: Split, data_seed: int) -> SplitDataset:
    """Return copies of the images and labels of each part; arguments and errors as for `split_indices`."""
    indices = split_indices(dataset, split, data_seed)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for part in ("train", "validation", "test"):
        chosen: Indices = getattr(indices, part)
        arrays[f"{part}_images"] = _gather(dataset.train_images, dataset.test_images, chosen)
        arrays[f"{part}_labels"] = _gather(dataset.train_labels, dataset.test_labels, chosen)
    return SplitDataset(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        class_names=dataset.class_names,
        indices=indices,
        **arrays,
    )


def _gather(train: npt.NDArray[Any], test: npt.NDArray[Any], chosen: Indices) -> npt.NDArray[Any]:
    """Return the chosen rows of train and test together, without ever joining the two whole arrays."""
    boundary = int(np.searchsorted(chosen, len(train)))
    rows = np.empty((len(chosen), *train.shape[1:]), train.dtype)
    rows[:boundary] = train[chosen[:boundary]]
    rows[boundary:] = test[chosen[boundary:] - len(train)]
    return rows


def permutation(length: int, seed: int, stream: int) -> Indices:
    """Return a permutation of 0..length-1, the same under every NumPy version and on every machine."""
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream,)))
    return np.argsort(bits.random_raw(length), kind="stable").astype(np.int64)


@dataclass(frozen=True)
class _Drawing:
    """Takes parts out of pools of images; `data_seed` and a stream's number determine which."""

    dataset: ImageDataset
    stratify: bool
    data_seed: int

    def take(self, part: str, share: int | float, *, pool: Indices, stream: int) -> tuple[Indices, Indices]:
        """Return `share` of the pool, and the rest, both ascending; raises DataError where that cannot be."""
        count = self._count(part, share, len(pool))
        shuffled = pool[permutation(len(pool), self.data_seed, stream)]
        labels = np.concatenate([self.dataset.train_labels, self.dataset.test_labels])[shuffled]
        ranks = _ranks_within_classes(labels) if self.stratify else np.arange(len(pool))
        limits = proportional_counts(np.bincount(labels), count)[labels] if self.stratify else count
        taken = ranks < limits
        if self.stratify:
            self._require_every_class(labels, labels[taken], part)
            self._require_every_class(labels, labels[~taken], "training")
        return np.sort(shuffled[taken]), np.sort(shuffled[~taken])

    def _count(self, part: str, share: int | float, available: int) -> int:
        """Return how many of `available` images `share` asks for: at least one, and not all of them."""
        exact = share if isinstance(share, int) else Fraction(str(float(share))) * available
        count = math.floor(exact + Fraction(1, 2))
        if count < 1:
            raise DataError(
                f"split: {part}: {share} of the {available} images of {self.dataset.name} is none; "
                f"enlarge it until it is at least one image"
            )
        if count >= available:
            raise DataError(
                f"split: {part}: {share} takes {count} of the {available} images of {self.dataset.name} "
                f"left to take from, and none would remain for training; use fewer than {available}"
            )
        return count

    def _require_every_class(self, pool: Labels, part: Labels, what: str) -> None:
        """Raise DataError when a stratified part lacks a class of the pool it was drawn from."""
        absent = np.setdiff1d(pool, part)
        if len(absent):
            label = int(absent[0])
            raise DataError(
                f"split: stratify: class {self.dataset.class_names[label]!r} of {self.dataset.name} has "
                f"{int((pool == label).sum())} of {len(pool)} images, too few for one among the {len(part)} "
                f"{what} images; enlarge that part, add images of the class, or set stratify: false"
            )


def _ranks_within_classes(labels: Labels) -> Indices:
    """Return for each image its position, from 0, among those of its class.

    >>> _ranks_within_classes(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    by_class = np.argsort(labels, kind="stable")
    in_order = labels[by_class]
    ranks = np.empty(len(labels), np.int64)
    ranks[by_class] = np.arange(len(labels)) - np.searchsorted(in_order, in_order)
    return ranks
