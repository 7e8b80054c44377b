"""Random search: the points of a space in an order that a seed determines, the same everywhere and for good."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from gridsearch.config.space import Space
from gridsearch.config.trial import Value


def draws(space: Space, seed: int) -> Iterator[dict[str, Value]]:
    """Yield every point of the space once; the first n are the same however many are asked for.

    It is a shuffle that remembers only what it moved, so that a space of any size can be drawn from.
    """
    moved: dict[int, int] = {}
    for place in range(space.size):
        chosen = place + _number(seed, place) % (space.size - place)
        yield space[moved.get(chosen, chosen)]
        moved[chosen] = moved.pop(place, place)


def _number(seed: int, place: int) -> int:
    """Return a number of 256 bits: against so many, what the remainder prefers does not count."""
    return int.from_bytes(hashlib.sha256(f"point:{seed}:{place}".encode()).digest())
