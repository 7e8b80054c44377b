"""Images that stand more than once: found exactly, counted across parts, kept together where that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsearch.config.trial import Split
from gridsearch.data import copies
from gridsearch.data.copies import first_of_each, hashes_of
from gridsearch.data.dataset import ImageDataset, dataset_from_arrays
from gridsearch.data.digits import load_digits
from gridsearch.data.splits import split_indices
from gridsearch.errors import DataError

DIGITS = load_digits()


def by_bytes(*parts: Any) -> list[int]:
    """The same by a dictionary of the pixels."""
    known: dict[bytes, int] = {}
    return [
        known.setdefault(image.tobytes(), place)
        for place, image in enumerate(image for part in parts for image in part)
    ]


def with_copies(chosen: list[int], own_test: int) -> ImageDataset:
    images, labels = DIGITS.train_images[chosen], np.arange(len(chosen)) % 2
    train = len(chosen) - own_test
    return dataset_from_arrays(
        "copies",
        {"train_images": images[:train], "train_labels": labels[:train]}
        | ({"test_images": images[train:], "test_labels": labels[train:]} if own_test else {}),
    )


@given(
    st.integers(0, 40),
    st.integers(0, 9),
    st.sampled_from([(1, 1), (3, 5), (8, 8), (5, 7, 3)]),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_the_first_of_each(train: int, test: int, shape: tuple[int, ...], values: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, values, (train + test, *shape), dtype=np.uint8)
    parts = drawn[:train], drawn[train:]
    hashes = np.concatenate([hashes_of(part) for part in parts])
    assert first_of_each(hashes, parts).tolist() == by_bytes(*parts)


def test_images_of_equal_hash_are_compared() -> None:
    images = DIGITS.train_images[[3, 4, 3, 5]]
    assert first_of_each(np.zeros(4, np.uint64), (images[:3], images[3:])).tolist() == [0, 1, 0, 3]


def test_hashes_tell_images_apart_that_differ_in_one_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = np.concatenate([np.zeros((1, 8 * 16), np.uint8), np.eye(8 * 16, dtype=np.uint8)])
    pairs = np.array([one | other for one in bits for other in bits[1:9]])
    images = np.packbits(pairs, axis=1).reshape(-1, 4, 4)
    hashes = hashes_of(images)
    assert len(np.unique(hashes)) == len({image.tobytes() for image in images})
    monkeypatch.setattr(copies, "_CHUNK_BYTES", 40)
    assert np.array_equal(hashes_of(images), hashes)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=40, max_size=120),
    st.sampled_from([0, 15]),
    st.booleans(),
    st.sampled_from([None, 0.2, 7]),
    st.sampled_from([{}, {"folds": 3}, {"train": 8}, {"stratify": True}]),
    st.integers(0, 3),
)
def test_no_two_parts_share_an_image(
    chosen: list[int], own_test: int, merge: bool, test: float | None, more: dict[str, Any], seed: int
) -> None:
    dataset = with_copies(chosen, own_test)
    split = Split(merge=merge, test=test, deduplicate=True, **more)
    try:
        parts = split_indices(dataset, split, seed)
    except DataError:
        return
    shown = {name: {chosen[place] for place in getattr(parts, name)} for name in ("train", "validation", "test")}
    assert not shown["train"] & shown["validation"]
    assert not (shown["train"] | shown["validation"]) & shown["test"]
    for part in (parts.train, parts.validation, parts.test):
        assert (np.diff(part) > 0).all()
    uses_own = own_test and test is None and not merge
    if uses_own:
        assert len(parts.test) == own_test
    if "train" not in more:  # nothing is lost but what the data set's own test images have
        pool = chosen if merge else chosen[: len(chosen) - own_test]
        lost = sum(image in shown["test"] for image in pool) if uses_own else 0
        assert (
            sum(map(len, (parts.train, parts.validation, parts.test))) == len(pool) + bool(uses_own) * own_test - lost
        )


def test_without_copies_nothing_is_divided_otherwise() -> None:
    plain, kept = (split_indices(DIGITS, Split(test=0.1, deduplicate=on), 3) for on in (False, True))
    assert all(np.array_equal(getattr(plain, name), getattr(kept, name)) for name in ("train", "validation", "test"))
