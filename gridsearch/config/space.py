"""The search space: every combination of the axes' values, counted and indexed but never materialised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from gridsearch.config.axes import Axis
from gridsearch.config.trial import Value

MAX_POINTS = 1_000_000


def drawn_text(drawn: int, size: int | None) -> str:
    """Say how many points were drawn, of how many; the size is None where nobody would count them."""
    return f"{drawn:,}{f' of {size:,}' if size is not None else ''} points, drawn at random"


class Space(Sequence[dict[str, Value]]):
    """A sequence of points; the last axis varies fastest, as nested loops in the file's order would."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = tuple(axes)
        self.size = math.prod(len(axis.values) for axis in self.axes)
        self.continuous = any(axis.continuous for axis in self.axes)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        """Return the point at `index`: one value for each axis, by mixed radix."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.size))]
        position = index + self.size if index < 0 else index
        if not 0 <= position < self.size:
            raise IndexError(f"point {index} of {self.size}")
        digits: list[int] = []
        for axis in reversed(self.axes):
            position, digit = divmod(position, len(axis.values))
            digits.append(digit)
        return {axis.name: axis.values[d] for axis, d in zip(self.axes, reversed(digits), strict=True)}

    def __iter__(self) -> Iterator[dict[str, Value]]:
        names = [axis.name for axis in self.axes]
        return (dict(zip(names, values, strict=True)) for values in product(*(axis.values for axis in self.axes)))
