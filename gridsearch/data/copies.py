"""Images that stand more than once: found by a hash of their pixels, then compared."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from gridsearch.data.checks import Images

Hashes = npt.NDArray[np.uint64]

#: How many bytes of images are hashed at a time.
_CHUNK_BYTES = 2**19
_WORD = 8


def hashes_of(images: Images) -> Hashes:
    """Return a hash (N,) of the bytes of each of N images; equal images of one shape have equal ones, in any set.

    Others differ, but for one pair of images in 2^64. That is faster than to sort the rows, or a digest of each.
    """
    rows = images.reshape(len(images), prod(images.shape[1:])).view(np.uint8)
    words = -(-rows.shape[1] // _WORD)
    factors = np.random.PCG64(np.random.SeedSequence(0)).random_raw(words) | np.uint64(1)
    hashes = np.empty(len(rows), np.uint64)
    step = max(1, _CHUNK_BYTES // (words * _WORD))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        padded = np.zeros((len(part), words * _WORD), np.uint8)
        padded[:, : rows.shape[1]] = part
        mixed = padded.view("<u8").astype(np.uint64, copy=False)
        # Alone the factors would lose what differs in a word's upper bits only.
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= factors
        hashes[start : start + step] = mixed.sum(axis=1, dtype=np.uint64)
    return hashes


def first_of_each(hashes: Hashes, parts: Sequence[Images]) -> npt.NDArray[np.int64]:
    """Return for each image the index (N,) of the first image with the same pixels: its own if it is unique.

    Args:
        hashes: The hash of each image (N,), from `hashes_of`; images of equal hash are compared.
        parts: The images, one array after another, N in all.
    """
    first = np.arange(len(hashes))
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    ends = np.cumsum([len(part) for part in parts])
    known: dict[bytes, int] = {}
    for place in np.flatnonzero(counts[inverse] > 1):
        part = int(np.searchsorted(ends, place, side="right"))
        pixels = parts[part][place - (ends[part] - len(parts[part]))].tobytes()
        first[place] = known.setdefault(pixels, int(place))
    return first
