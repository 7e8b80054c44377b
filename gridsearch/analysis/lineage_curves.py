"""The epochs of lineages, held in memory or read as they are asked for, and which of them are a trial's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from gridsearch.store.rows import EpochRow, LineageCurve, TrialRow

if TYPE_CHECKING:
    from gridsearch.store.contract import Store

T = TypeVar("T")

#: Of how many lineages `timed` reads the times at once.
_LINEAGES_AT_ONCE = 512

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


def timed(trials: Sequence[TrialRow], store: Store) -> Curves:
    """Return curves of the lineages of trials that may have nothing but the times of their epochs, read in less time.

    Of lineages of which no trial has a result yet, or whose times do not add up to what it says, they are whole.
    """
    longest: dict[str, TrialRow] = {}
    for row in trials:
        if row.lineage_id not in longest or row.epochs > longest[row.lineage_id].epochs:
            longest[row.lineage_id] = row

    def curves(asked: Iterable[str]) -> Iterator[LineageCurve]:
        remaining = iter(asked)
        while names := list(islice(remaining, _LINEAGES_AT_ONCE)):
            rows = [longest[name] for name in names if name in longest]
            found = store.seconds_of(
                {row.lineage_id: (row.epochs, row.seconds) for row in rows if row.seconds is not None}
            )
            others = store.iter_curves(name for name in names if name not in found)
            for name in names:
                if name in found:
                    yield LineageCurve(name, tuple(range(len(found[name]))), seconds=found[name])
                else:
                    yield next(others)

    return curves


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
    found: list[tuple[int, T]] = []
    for own, curve in zip(places.values(), curves(places), strict=True):
        found.extend((place, tell(place, curve.up_to(trials[place].epochs))) for place in own)
    return [one for _, one in sorted(found, key=itemgetter(0))]
