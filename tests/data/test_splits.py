from __future__ import annotations

import hashlib
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridsearch.config.trial import Split
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import SplitIndices, apply_split, permutation, split_indices
from gridsearch.errors import DataError
from tests.data.refusals import refused

DIGITS = load_digits()
seeds = st.integers(0, 2**63 - 1)
shares = st.floats(0.02, 0.9) | st.integers(1, 400)


def some_digits(train: int, test: int = 0) -> ImageDataset:
    """Return the first real digits; the first ten are 0..9."""
    images, labels = DIGITS.train_images, DIGITS.train_labels
    arrays = {"train_images": images[:train], "train_labels": labels[:train]}
    arrays |= {"test_images": images[train : train + test], "test_labels": labels[train : train + test]}
    return dataset_from_arrays("some digits", arrays)


@st.composite
def cases(draw: Any) -> tuple[ImageDataset, Split, int]:
    dataset = some_digits(draw(st.integers(10, 1200)), draw(st.just(0) | st.integers(1, 500)))
    merge = draw(st.booleans())
    test = draw(shares) if merge else draw(st.none() | shares)
    split = Split(merge=merge, test=test, validation=draw(shares), stratify=draw(st.booleans()))
    return dataset, split, draw(seeds)


def attempt(case: tuple[ImageDataset, Split, int]) -> SplitIndices | None:
    try:
        return split_indices(*case)
    except DataError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("split: ")
        return None


def rounded(share: float, available: int) -> int:
    # In exact numbers: 0.8999999999999999 of 295 is less than 265.5, which floating point makes of it.
    return share if isinstance(share, int) else math.floor(Fraction(repr(share)) * available + Fraction(1, 2))


@settings(deadline=None)
@given(cases())
def test_parts_are_disjoint_and_cover_the_images_they_should(case: tuple[ImageDataset, Split, int]) -> None:
    dataset, split, _ = case
    parts = attempt(case)
    assume(parts is not None)
    assert parts is not None
    together = np.concatenate([parts.train, parts.validation, parts.test])
    train, test = len(dataset.train_labels), len(dataset.test_labels)
    unused = 0 if split.merge or split.test is None else test
    assert np.array_equal(np.sort(together), np.arange(train + test - unused))
    for part in (parts.train, parts.validation, parts.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@settings(deadline=None)
@given(cases())
def test_sizes_are_those_asked_for(case: tuple[ImageDataset, Split, int]) -> None:
    dataset, split, _ = case
    parts = attempt(case)
    assume(parts is not None)
    assert parts is not None
    pool = len(dataset.train_labels) + (len(dataset.test_labels) if split.merge else 0)
    if split.test is None:
        assert parts.test.tolist() == list(range(pool, pool + len(dataset.test_labels)))
    else:
        assert len(parts.test) == rounded(split.test, pool)
        pool -= len(parts.test)
    assert len(parts.validation) == rounded(split.validation, pool)
    assert len(parts.train) == pool - len(parts.validation) > 0


@settings(deadline=None)
@given(cases())
def test_the_same_seed_gives_the_same_parts(case: tuple[ImageDataset, Split, int]) -> None:
    one, other = attempt(case), attempt(case)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        for part in ("train", "validation", "test"):
            assert np.array_equal(getattr(one, part), getattr(other, part))


@settings(deadline=None)
@given(seeds, seeds, st.booleans())
def test_other_seeds_give_other_parts(one: int, other: int, stratify: bool) -> None:
    assume(one != other)
    split = Split(test=0.2, validation=0.3, stratify=stratify)
    first, second = (split_indices(DIGITS, split, seed) for seed in (one, other))
    assert not np.array_equal(first.test, second.test)
    assert not np.array_equal(first.validation, second.validation)


@settings(deadline=None)
@given(seeds, st.booleans(), shares, shares)
def test_test_images_do_not_depend_on_the_validation_share(seed: int, stratify: bool, one: float, other: float) -> None:
    splits = [Split(test=300, validation=share, stratify=stratify) for share in (one, other)]
    parts = [attempt((DIGITS, split, seed)) for split in splits]
    assume(all(parts))
    assert parts[0] is not None
    assert parts[1] is not None
    assert np.array_equal(parts[0].test, parts[1].test)


@settings(deadline=None)
@given(cases())
def test_stratified_parts_keep_the_share_of_each_class(case: tuple[ImageDataset, Split, int]) -> None:
    dataset, split, seed = case
    split = split.model_copy(update={"stratify": True})
    parts = attempt((dataset, split, seed))
    assume(parts is not None)
    assert parts is not None
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    remaining = np.concatenate([parts.train, parts.validation])
    drawn = [(parts.validation, remaining), (parts.train, remaining)]
    if split.test is not None:
        drawn.append((parts.test, np.concatenate([remaining, parts.test])))
    for part, pool in drawn:
        sizes = np.bincount(labels[pool], minlength=10)
        expected = sizes * len(part) / len(pool)
        counts = np.bincount(labels[part], minlength=10)
        assert (np.abs(counts - expected) < 1).all()
        assert ((counts > 0) == (sizes > 0)).all()


def test_the_parts_of_mnist(mnist: ImageDataset) -> None:
    parts = split_indices(mnist, Split(merge=True, test=0.1, validation=0.2), 0)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [50_400, 12_600, 7_000]
    parts = split_indices(mnist, Split(validation=0.2), 0)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [48_000, 12_000, 10_000]
    assert parts.test.min() == 60_000
    parts = split_indices(mnist, Split(test=5_000, validation=5_000, stratify=True), 0)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [50_000, 5_000, 5_000]
    assert parts.test.max() < 60_000


def test_apply_split_gathers_the_images_and_labels_of_each_part(mnist: ImageDataset) -> None:
    divided = apply_split(mnist, Split(merge=True, test=0.1), 7)
    images = np.concatenate([mnist.train_images, mnist.test_images])
    labels = np.concatenate([mnist.train_labels, mnist.test_labels])
    for part in ("train", "validation", "test"):
        rows = getattr(divided.indices, part)
        assert np.array_equal(getattr(divided, f"{part}_images"), images[rows])
        assert np.array_equal(getattr(divided, f"{part}_labels"), labels[rows])
    assert divided.dataset is mnist


def test_a_data_set_without_test_images_may_go_without() -> None:
    divided = apply_split(DIGITS, Split(validation=0.5), 0)
    assert divided.test_images.shape == (0, 8, 8)
    assert divided.test_labels.shape == (0,)


def test_merging_with_nothing_is_no_error() -> None:
    merged = split_indices(DIGITS, Split(merge=True, test=0.2), 3)
    assert np.array_equal(merged.test, split_indices(DIGITS, Split(test=0.2), 3).test)


def test_fractions_round_to_nearest_as_they_are_written() -> None:
    # 0.29 * 50 is 14.499999999999998 in binary, but a person who writes 0.29 means 14.5, halves up.
    assert len(split_indices(some_digits(50), Split(validation=0.29), 0).validation) == 15
    assert len(split_indices(some_digits(10), Split(validation=0.05), 0).validation) == 1


def test_the_draws_never_change() -> None:
    # Trials of one store are compared across versions and machines: the same seed must mean the same images.
    assert permutation(10, 0, 1).tolist() == [1, 3, 8, 6, 2, 0, 7, 5, 4, 9]
    parts = split_indices(DIGITS, Split(test=0.1, stratify=True), 42)
    known = hashlib.sha256(np.concatenate([parts.train, parts.validation, parts.test]).astype("<i8").tobytes())
    assert known.hexdigest() == "c847927a18bf3538fc40a9c57a9936b125ae3fc75527fd09472aa7ee87ac6f3c"


@pytest.mark.parametrize(
    ("dataset", "split", "fragments"),
    [
        (some_digits(100, 50), Split(merge=True), ["150 are for testing", "test: 0.1"]),
        (some_digits(100), Split(validation=100), ["takes 100 of the 100", "fewer than 100"]),
        (some_digits(100), Split(test=101), ["test: 101", "fewer than 100"]),
        (some_digits(100), Split(test=60, validation=60), ["validation: 60", "of the 40"]),
        (some_digits(20), Split(validation=0.01), ["validation: 0.01 of the 20", "less than one image", "enlarge"]),
        (some_digits(20), Split(test=0.001), ["test: 0.001 of the 20", "less than one image"]),
        (some_digits(20), Split(validation=0.999), ["takes 20 of the 20", "none would remain"]),
        (
            some_digits(40),
            Split(validation=5, stratify=True),
            ["class '1'", "has 3 of 40", "5 validation", "stratify: false"],
        ),
        (some_digits(12), Split(validation=0.8, stratify=True), ["class '2'", "2 training", "add images"]),
    ],
)
def test_splits_that_cannot_be(dataset: ImageDataset, split: Split, fragments: list[str]) -> None:
    with refused("split: ", "some digits", *fragments):
        split_indices(dataset, split, 0)


def dealt(dataset: ImageDataset, split: Split, seed: int) -> list[SplitIndices]:
    assert split.folds is not None
    try:
        return [split_indices(dataset, split, seed, fold) for fold in range(split.folds)]
    except DataError as error:
        assert "\n" not in str(error)
        return []


@settings(deadline=None)
@given(cases(), st.integers(2, 12))
def test_every_image_that_does_not_test_validates_in_one_fold(
    case: tuple[ImageDataset, Split, int], folds: int
) -> None:
    dataset, split, seed = case
    parts = dealt(dataset, split.model_copy(update={"folds": folds}), seed)
    assume(parts)
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    validating = np.concatenate([part.validation for part in parts])
    assert len(np.unique(validating)) == len(validating)
    for part in parts:
        assert np.array_equal(part.test, parts[0].test)
        assert np.array_equal(np.sort(np.concatenate([part.train, part.validation])), np.sort(validating))
    sizes = [len(part.validation) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if split.stratify:
        counts = np.array([np.bincount(labels[part.validation], minlength=10) for part in parts])
        assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


def test_folds_test_with_the_images_of_the_plain_split_and_other_seeds_deal_anew() -> None:
    split = Split(test=0.2, folds=4, stratify=True)
    plain = split_indices(DIGITS, Split(test=0.2, stratify=True), 1)
    one, same, other = (split_indices(DIGITS, split, seed, 2) for seed in (1, 1, 2))
    assert np.array_equal(one.test, plain.test)
    assert np.array_equal(one.validation, same.validation)
    assert not np.array_equal(one.validation, other.validation)
    assert one.validation[:6].tolist() == [1, 12, 14, 17, 20, 33]


def test_splits_of_one_data_set_travel_with_it_once() -> None:
    """Where the workers are other processes, what they get is pickled."""
    one = pickle.dumps(apply_split(DIGITS, Split(folds=5), 0))
    five = pickle.dumps([apply_split(DIGITS, Split(folds=5), 0, fold) for fold in range(5)])
    assert len(five) - len(one) < 6 * 8 * len(DIGITS.train_labels)


@pytest.mark.parametrize(
    ("dataset", "split", "fragments"),
    [
        (some_digits(20), Split(folds=21), ["folds: 21 parts of the 20 images", "use fewer folds"]),
        (some_digits(20), Split(test=15, folds=6), ["folds: 6 parts of the 5 images"]),
        (some_digits(40), Split(folds=5, stratify=True), ["class '1'", "too few for one in each of 5 folds"]),
    ],
)
def test_folds_that_cannot_be(dataset: ImageDataset, split: Split, fragments: list[str]) -> None:
    with refused("split: ", "some digits", *fragments):
        split_indices(dataset, split, 0)


@pytest.mark.parametrize("stratify", [False, True])
def test_a_part_of_the_training_images_trains_and_the_other_parts_stay(stratify: bool) -> None:
    whole = split_indices(DIGITS, Split(test=0.1, stratify=stratify), 0)
    part = split_indices(DIGITS, Split(test=0.1, train=500, stratify=stratify), 0)
    assert len(part.train) == 500
    assert set(part.train) < set(whole.train)
    assert np.array_equal(part.validation, whole.validation)
    assert np.array_equal(part.test, whole.test)


def test_more_training_images_than_there_are_are_refused() -> None:
    with pytest.raises(DataError, match="train: 2000 of 1438: only 1438 images .* are left for training; give fewer"):
        split_indices(DIGITS, Split(train=2000), 0)


def with_own_validation(train: int, test: int, validation: int) -> ImageDataset:
    """Return the first digits in three parts, then, as one more validation image each, the first of two parts again."""
    images, labels = DIGITS.train_images, DIGITS.train_labels
    again = [0, train, *range(train + test, train + test + validation)]
    arrays = {"train_images": images[:train], "train_labels": labels[:train]}
    arrays |= {"test_images": images[train : train + test], "test_labels": labels[train : train + test]}
    return dataset_from_arrays("own", arrays | {"validation_images": images[again], "validation_labels": labels[again]})


@pytest.mark.parametrize(
    ("split", "sizes"),
    [
        (Split(validation="own"), (100, 32, 20)),
        (Split(validation=0.2), (80, 20, 20)),
        (Split(validation="own", test=0.1), (90, 32, 10)),
        (Split(validation="own", test=0.1, merge=True), (108, 32, 12)),
        (Split(validation=30, test=0.5, merge=True), (46, 30, 76)),
        (Split(validation="own", train=50), (50, 32, 20)),
        (Split(folds=2), (50, 50, 20)),
        (Split(folds=2, merge=True, test=52), (50, 50, 52)),
        (Split(validation="own", deduplicate=True), (99, 31, 20)),
    ],
)
def test_own_validation_images(split: Split, sizes: tuple[int, ...]) -> None:
    dataset = with_own_validation(100, 20, 30)
    parts = split_indices(dataset, split, 0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == sizes
    assert len(np.unique(np.concatenate([parts.train, parts.validation, parts.test]))) == sum(sizes)
    applied = apply_split(dataset, split, 0)
    if split.validation == "own" and not split.folds:
        assert np.array_equal(applied.validation_labels, dataset.validation_labels[parts.validation - 120])
        assert np.array_equal(applied.validation_images, dataset.validation_images[parts.validation - 120])
    if split.deduplicate:
        assert parts.train.min() == 1 and 121 not in parts.validation, "copies of a validation and of a test image"


def test_own_validation_images_where_there_are_none() -> None:
    with refused("validation: own", "has no validation images", "0.2"):
        split_indices(DIGITS, Split(validation="own"), 0)
