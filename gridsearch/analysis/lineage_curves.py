"""The epochs of lineages, held in memory or read as they are asked for, and which of them are a trial's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from gridsearch.store.rows import EpochRow, LineageCurve, TrialRow

T = TypeVar("T")

#: Gives the curves of the lineages whose ids it is given, in the order given; one that is not known has no epochs.
Curves = Callable[[Iterable[str]], Iterator[LineageCurve]]


def held(epochs: Iterable[EpochRow]) -> Curves:
    """Return curves that are in memory."""
    rows: dict[str, list[EpochRow]] = {}
    for row in epochs:
        rows.setdefault(row.lineage_id, []).append(row)
    curves = {name: LineageCurve.of(name, sorted(found, key=lambda row: row.epoch)) for name, found in rows.items()}
    return _Held(curves)


@dataclass(frozen=True)
class _Held:
    """Curves by their lineages' ids; a class, as a function within another cannot be pickled."""

    curves: Mapping[str, LineageCurve]

    def __call__(self, asked: Iterable[str]) -> Iterator[LineageCurve]:
        """Yield the curves asked for."""
        return (self.curves.get(name) or LineageCurve(name) for name in asked)


def own_curves(trials: Sequence[TrialRow], curves: Curves) -> Iterator[LineageCurve]:
    """Yield the epochs of each trial: those of its lineage up to its own number."""
    for row, curve in zip(trials, curves(row.lineage_id for row in trials), strict=True):
        yield curve.up_to(row.epochs)


def reported(curve: LineageCurve) -> LineageCurve:
    """Return the curve of a training of the user's own without the epochs that it did not report: nothing is there."""
    kept = [bool(more or seconds) for more, seconds in zip(curve.more, curve.seconds, strict=True)]
    if all(kept):
        return curve
    return LineageCurve._make([curve.lineage_id, *(tuple(compress(column, kept)) for column in curve[1:])])


def told_of_each(trials: Sequence[TrialRow], curves: Curves, tell: Callable[[int, LineageCurve], T]) -> list[T]:
    """Return what `tell` makes of each trial, given its place and its epochs: each lineage is read once, and let go."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(trials):
        places.setdefault(row.lineage_id, []).append(place)
    found: dict[int, T] = {}
    for own, curve in zip(places.values(), curves(places), strict=True):
        for place in own:
            found[place] = tell(place, curve.up_to(trials[place].epochs))
    return [found[place] for place in range(len(trials))]
