"""Which images train, validate and test: a pure function of the data set, the split and the data seed.

The draws use the raw 64-bit output of PCG64 seeded by `SeedSequence`, both of which NumPy promises never to
change (NEP 19), sorted with a stable sort. `Generator.permutation` carries no such promise and is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsearch.config.trial import OWN, Split
from gridsearch.data.allocation import proportional_counts
from gridsearch.data.checks import Images, Labels
from gridsearch.data.dataset import ImageDataset
from gridsearch.errors import DataError

Indices = npt.NDArray[np.int64]

#: Streams of draws that one data seed gives; the test images stay the same when the validation share changes.
TEST_STREAM, VALIDATION_STREAM, FOLDS_STREAM, TRAIN_STREAM = 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class SplitIndices:
    """Which images belong to which part; each int64, ascending, disjoint.

    The training images of the data set come first, then its test images, then its validation images: index i is
    training image i for i < N_train, test image i - N_train from there on, and so forth, whether or not the split
    merges them.
    """

    train: Indices
    validation: Indices
    test: Indices


@dataclass(frozen=True, eq=False)
class SplitDataset:
    """A data set divided by a split: images uint8 (N, H, W[, C]), labels int64 (N,); the test part may be empty.

    Rows are in the order of `indices`. Parts are copied out of the data set each time they are asked for, so that many
    splits of one data set take no more memory than it does, here and on their way to other processes.
    """

    dataset: ImageDataset
    indices: SplitIndices

    @property
    def train_images(self) -> Images:
        """The images to train with."""
        return self._images(self.indices.train)

    @property
    def train_labels(self) -> Labels:
        """Their labels."""
        return self._labels(self.indices.train)

    @property
    def validation_images(self) -> Images:
        """The images to validate with."""
        return self._images(self.indices.validation)

    @property
    def validation_labels(self) -> Labels:
        """Their labels."""
        return self._labels(self.indices.validation)

    @property
    def test_images(self) -> Images:
        """The images to test with."""
        return self._images(self.indices.test)

    @property
    def test_labels(self) -> Labels:
        """Their labels."""
        return self._labels(self.indices.test)

    def _images(self, chosen: Indices) -> Images:
        return _gather(self.dataset.images, chosen)

    def _labels(self, chosen: Indices) -> Labels:
        return _gather(self.dataset.labels, chosen)


def split_indices(dataset: ImageDataset, split: Split, data_seed: int, fold: int = 0) -> SplitIndices:
    """Divide a data set into training, validation and test images.

    * `merge`: the pool is training and test images, in that order, and the data set's own validation images unless
      these are the validation part; `test` must say how many of the pool are for testing.
    * `test` without `merge`: taken from the training images; the data set's own test images are unused.
    * Neither: the data set's own test images are the test part; if it has none, the test part is empty.
    * `validation` is taken from what remains for training, and own validation images are unused without `merge`. With
      "own" these are the validation part. With `folds`, part number `fold` of what remains is: parts differ in size by
      at most one image, and each image is in exactly one.
    * `train` is taken from what then remains; the rest is unused.
    * `deduplicate`: of images with the same pixels only the first is drawn and the others follow it into its part, so
      counts and fractions of `test` and `validation` are of distinct images. Training images that equal one of the data
      set's own test or validation images, if these are parts, are unused; so are own validation images that equal one
      of its own test images.

    A fraction is rounded to the nearest number of images, halves up. With `stratify`, each class has its share of each
    part drawn, to within one image.

    Args:
        dataset: The data set.
        split: How to divide it.
        data_seed: Seeds the draws; any integer >= 0.
        fold: Which fold is the validation part, from 0.

    Raises:
        DataError: A part would be empty, there are not enough images, or a stratified part would lack a class.
    """
    if split.stratify and dataset.targets != "classes":
        raise DataError(
            f"the labels of {dataset.name} are no classes, whose proportions could be kept; leave it out",
            key=("split", "stratify"),
        )
    pool, tested, validated = _own_parts(dataset, split)
    drawing = _Drawing(dataset, split.stratify, data_seed)
    copies = None
    if split.deduplicate:
        first = dataset.first_of_each
        validated = validated[~np.isin(first[validated], first[tested])]
        copies = _Copies.among(pool, first, np.concatenate([tested, validated]))
        pool = copies.distinct()
    if split.test is not None:
        test, pool = drawing.take("test", split.test, pool=pool, stream=TEST_STREAM)
    elif split.merge:
        raise DataError(
            f"pools the training and test images of {dataset.name} but does not say how many of the {len(pool)} are"
            f" for testing; add test, such as test: 0.1",
            key=("split", "merge"),
        )
    else:
        test = tested
    if split.folds is not None:
        validation, train = drawing.deal(split.folds, fold, pool=pool)
    elif split.validation == OWN:
        validation, train = validated, pool
    else:
        validation, train = drawing.take("validation", split.validation, pool=pool, stream=VALIDATION_STREAM)
    if copies:
        train, validation, test = map(copies.following, (train, validation, test))
    if split.train is not None:
        train, _ = drawing.take("train", split.train, pool=train, stream=TRAIN_STREAM)
    return SplitIndices(train=train, validation=validation, test=test)


def _own_parts(dataset: ImageDataset, split: Split) -> tuple[Indices, Indices, Indices]:
    """Return the images to draw from, and those of the data set's own that are the test and the validation part."""
    train, test, validation = np.split(
        np.arange(sum(map(len, dataset.labels))), np.cumsum([len(part) for part in dataset.labels])[:-1]
    )
    none = train[:0]
    own = split.validation == OWN and split.folds is None
    if own and not len(validation):
        raise DataError(
            f"own: {dataset.name} has no validation images of its own; write a share to draw, such as 0.2",
            key=("split", "validation"),
        )
    pool = np.concatenate([train, test, none if own else validation]) if split.merge else train
    return pool, test if split.test is None and not split.merge else none, validation if own else none


@dataclass(frozen=True)
class _Copies:
    """The images to divide, `pool`, some of which are the same: `first` (N,) has the place of the first of each."""

    pool: Indices
    first: Indices

    @classmethod
    def among(cls, pool: Indices, first: Indices, tested: Indices) -> _Copies:
        """Return those of a pool, but for images that are the same as any of those that test already."""
        return cls(pool[~np.isin(first[pool], first[tested])], first)

    def distinct(self) -> Indices:
        """Return the first of each kind of image, ascending."""
        return self.pool[np.sort(np.unique(self.first[self.pool], return_index=True)[1])]

    def following(self, part: Indices) -> Indices:
        """Return a part with all images of the pool that are the same as any of its own, ascending."""
        return np.union1d(part, self.pool[np.isin(self.first[self.pool], self.first[part])])


def apply_split(dataset: ImageDataset, split: Split, data_seed: int, fold: int = 0) -> SplitDataset:
    """Return the data set in its parts; arguments and errors as for `split_indices`."""
    return SplitDataset(dataset, split_indices(dataset, split, data_seed, fold))


def _gather(parts: Sequence[npt.NDArray[Any]], chosen: Indices) -> npt.NDArray[Any]:
    """Return the chosen rows, ascending, of arrays taken as one, without ever joining the whole arrays."""
    rows = np.empty((len(chosen), *parts[0].shape[1:]), parts[0].dtype)
    start = first = 0
    for part in parts:
        end = int(np.searchsorted(chosen, first + len(part)))
        rows[start:end] = part[chosen[start:end] - first]
        start, first = end, first + len(part)
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
        shuffled, labels = self._shuffled(pool, stream)
        ranks = _ranks_within_classes(labels) if self.stratify else np.arange(len(pool))
        limits = proportional_counts(np.bincount(labels), count)[labels] if self.stratify else count
        taken = ranks < limits
        if self.stratify:
            self._require_every_class(labels, labels[taken], part)
            self._require_every_class(labels, labels[~taken], "training")
        return np.sort(shuffled[taken]), np.sort(shuffled[~taken])

    def deal(self, folds: int, fold: int, *, pool: Indices) -> tuple[Indices, Indices]:
        """Return part `fold` of the pool dealt out into `folds` parts, and the rest, both ascending.

        Dealing the classes one after another gives every part its share of each and keeps the sizes equal.
        """
        if folds > len(pool):
            raise DataError(
                f"{folds} parts of the {len(pool)} images of {self.dataset.name} left to take from "
                f"cannot all have one; use fewer folds",
                key=("split", "folds"),
            )
        shuffled, labels = self._shuffled(pool, FOLDS_STREAM)
        if self.stratify:
            self._require_one_for_each(folds, labels)
            shuffled = shuffled[np.argsort(labels, kind="stable")]
        mine = np.arange(len(pool)) % folds == fold
        return np.sort(shuffled[mine]), np.sort(shuffled[~mine])

    def _shuffled(self, pool: Indices, stream: int) -> tuple[Indices, Labels]:
        shuffled = pool[permutation(len(pool), self.data_seed, stream)]
        return shuffled, np.concatenate(self.dataset.labels)[shuffled]

    def _require_one_for_each(self, folds: int, labels: Labels) -> None:
        """Raise DataError when a class has fewer images than there are folds."""
        sizes = np.bincount(labels)
        scarce = np.flatnonzero((sizes > 0) & (sizes < folds))
        if len(scarce):
            raise DataError(
                f"class {self.dataset.class_names[scarce[0]]!r} of {self.dataset.name} has "
                f"{sizes[scarce[0]]} of {len(labels)} images, too few for one in each of {folds} folds; use fewer "
                f"folds, add images of the class, or set stratify: false",
                key=("split", "stratify"),
            )

    def _count(self, part: str, share: int | float, available: int) -> int:
        """Return how many of `available` images `share` asks for: at least one, and not all of them."""
        exact = share if isinstance(share, int) else Fraction(str(float(share))) * available
        count = math.floor(exact + Fraction(1, 2))
        if count < 1:
            raise DataError(
                f"{share} of the {available} images of {self.dataset.name} is less than one image; enlarge it",
                key=("split", part),
            )
        if count >= available:
            if part == "train":
                raise DataError(
                    f"{share} of {available}: only {available} images of {self.dataset.name} are left for"
                    f" training; give fewer than {available}, or leave train out",
                    key=("split", "train"),
                )
            raise DataError(
                f"{share} takes {count} of the {available} images of {self.dataset.name} "
                f"left to take from, and none would remain for training; use fewer than {available}",
                key=("split", part),
            )
        return count

    def _require_every_class(self, pool: Labels, part: Labels, what: str) -> None:
        """Raise DataError when a stratified part lacks a class of the pool it was drawn from."""
        absent = np.setdiff1d(pool, part)
        if len(absent):
            label = int(absent[0])
            raise DataError(
                f"class {self.dataset.class_names[label]!r} of {self.dataset.name} has "
                f"{int((pool == label).sum())} of {len(pool)} images, too few for one among the {len(part)} "
                f"{what} images; enlarge that part, add images of the class, or set stratify: false",
                key=("split", "stratify"),
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
