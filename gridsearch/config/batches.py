"""The batches of an epoch: how many images each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: What becomes of the images that fill no whole batch: a batch of their own, none in this epoch, or part of the last.
LastBatch = Literal["keep", "drop", "merge"]
KEEP: LastBatch = "keep"


def batch_sizes(images: int, batch_size: int, last_batch: LastBatch = KEEP) -> list[int]:
    """Return the sizes of the batches of so many images, in order; there are at least `batch_size` images.

    >>> [batch_sizes(11, 5, last) for last in ("keep", "drop", "merge")]
    [[5, 5, 1], [5, 5], [5, 6]]
    """
    whole, rest = divmod(images, batch_size)
    sizes = [batch_size] * whole
    if rest and (last_batch == "keep" or not sizes):
        return [*sizes, rest]
    if rest and last_batch == "merge":
        sizes[-1] += rest
    return sizes


def steps_of_epoch(images: int, batch_size: int, last_batch: LastBatch = KEEP) -> int:
    """Return how many batches there are.

    >>> [steps_of_epoch(11, 5, last) for last in ("keep", "drop", "merge")]
    [3, 2, 2]
    """
    whole, rest = divmod(images, batch_size)
    return whole + bool(rest and (last_batch == "keep" or not whole))


@dataclass(frozen=True)
class PlaceInStep:
    """A batch among those whose gradients make one step of the optimiser: its share of their images, and its place."""

    share: float = 1.0
    first: bool = True
    last: bool = True


def places_in_steps(sizes: Sequence[int], accumulate: int) -> list[PlaceInStep]:
    """Return the places of an epoch's batches: so many make a step, and in the end those that are left.

    >>> [(place.share, place.last) for place in places_in_steps([6, 2, 2], 2)]
    [(0.75, False), (0.25, True), (1.0, True)]
    """
    found = []
    for start in range(0, len(sizes), accumulate):
        own = sizes[start : start + accumulate]
        found += [PlaceInStep(size / sum(own), place == 0, place == len(own) - 1) for place, size in enumerate(own)]
    return found
