"""Dividing a whole number of images among classes in proportion to their sizes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def proportional_counts(sizes: Counts, total: int) -> Counts:
    """Return whole numbers that add up to `total`, each within one of `total * size / sum(sizes)`.

    The largest remainder takes what rounding down leaves over; equal remainders go to the lower class number.
    `sizes` int64 (K,), `0 <= total <= sum(sizes)`. Whole-number arithmetic: no rounding can differ by
    machine.

    >>> proportional_counts(np.array([50, 30, 20]), 5).tolist()
    [3, 1, 1]
    """
    everything = int(sizes.sum())
    shares, remainders = np.divmod(sizes.astype(np.int64) * total, everything)
    left_over = total - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:left_over]] += 1
    return shares
