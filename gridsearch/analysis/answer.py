"""The answer that a job gives: what is best and how sure that is, what matters, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gridsearch.analysis.advice.advise import advise
from gridsearch.analysis.advice.look import Look
from gridsearch.analysis.advice.piece import Advice
from gridsearch.analysis.cells import Cells, cells
from gridsearch.analysis.choices import Within
from gridsearch.analysis.effects import Effects, effects_of
from gridsearch.analysis.factors import Design, design
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.ties import Ties

#: Of so many pairs the cells of a part of the trials are at hand, too.
_PAIRS_WITHIN = 15


@dataclass(frozen=True, eq=False)
class Answer:
    """What a job says.

    Attributes:
        ties: The best, and what is tied with it; None where nothing may be the best.
        effects: What matters: for all trials with a score, then for the better half and quarter of them where these
            tell anything else.
        pairs: The cells of each pair of axes, the pair that explains most first.
        pairs_within: The same of the better half and quarter, of those axes that have several values there.
        advice: What to do next.
    """

    ties: Ties | None
    effects: tuple[Effects, ...]
    pairs: tuple[Cells, ...]
    pairs_within: Mapping[Within, tuple[Cells, ...]]
    advice: tuple[Advice, ...]

    @property
    def learned(self) -> bool:
        """Return whether any trial is better than guessing, as far as that is known."""
        return all(piece.code != "all-at-chance" for piece in self.advice)

    @property
    def band(self) -> tuple[float, float] | None:
        """Return the lowest and the highest score that is tied for the best."""
        if self.ties is None:
            return None
        low, high = sorted((self.ties.best.score, self.ties.lowest))
        return low, high


def answer(data: JobData, *, store: str = "", most_cells: int = 2500) -> Answer:
    """Return what a job says; pairs of more than `most_cells` cells are left out.

    Args:
        data: The job. Advice speaks only of what of its curves, evaluations and launches was read.
        store: What a command needs to name the store: ` --store other.db`.
        most_cells: How many cells a pair has at most.
    """
    look = Look(data, store)
    parts = [look.effects]
    pairs = tuple(_pairs(look.runs, look.effects, most_cells))
    of_parts: dict[Within, tuple[Cells, ...]] = {}
    if look.effects.axes and look.effects.rest is not None:
        for within in ("half", "quarter"):
            runs = design(data, within)
            found = effects_of(data, runs)
            if found.n < parts[-1].n and found.rest is not None:
                parts.append(found)
                of_parts[runs.within] = tuple(_cells_within(runs, pairs))
    return Answer(look.ties, tuple(parts), pairs, of_parts, advise(data, look=look))


def _cells_within(runs: Design, pairs: Sequence[Cells]) -> Iterator[Cells]:
    """Yield the cells of the strongest pairs, among a part of the trials."""
    varying = {factor.name for factor in runs.factors}
    for pair in pairs[:_PAIRS_WITHIN]:
        if {pair.rows, pair.columns} <= varying:
            yield cells(runs, pair.rows, pair.columns)


def _pairs(runs: Design, found: Effects, most: int) -> Iterator[Cells]:
    names = [axis.name for axis in found.axes]
    told = [pair.axes for pair in found.pairs]
    others = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    order = told or others
    sizes = {axis.name: len(axis.values) for axis in found.axes}
    for one, other in order:
        if sizes[one] * sizes[other] > most:
            continue
        # The axis of fewer values stands down the side.
        rows, columns = sorted((one, other), key=lambda name: sizes[name])
        yield cells(runs, rows, columns)
