"""Jobs against each other, as tables for the terminal and for papers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gridsearch.analysis.comparing.telling import interval_text, signed
from gridsearch.analysis.labels import score_text
from gridsearch.cli.render.tables import Format, Grid
from gridsearch.cli.render.wording import short_id

if TYPE_CHECKING:
    from gridsearch.analysis.comparing.jobs import JobComparison
    from gridsearch.analysis.comparing.shared import Pairing

#: How many cells the terminal shows of two jobs.
MOST_CELLS = 10


class Table(StrEnum):
    """Which table of a comparison is printed."""

    SETTINGS = "settings"
    BESTS = "bests"
    CELLS = "cells"


def settings_grid(found: JobComparison) -> Grid:
    """Return what differs in the settings."""
    rows = [[one.name, *(value or "–" for value in one.values)] for one in found.contrasts]
    return Grid(["setting", *found.labels], [False] * (1 + len(found.labels)), rows, keys=1)


def bests_grid(found: JobComparison, *, whole: bool) -> Grid:
    """Return the best of each job; `whole` with ids in full and the interval in columns of its own."""
    lead = "over_baseline" if found.baseline else "over_first"
    ends = ["low", "high"] if whole else ["interval_95"]
    headings = ["job", "trial", "metric", "score", "tied", lead, *ends, *(["above_baseline"] if found.baseline else [])]
    rows = []
    for best in found.bests:
        row = [best.label]
        if best.ties is None:
            row += ["", best.heading, "no result", ""]
        else:
            trial = best.ties.best.trial
            tied = f"{best.ties.count:,} of {best.ties.of:,}" if not whole else str(best.ties.count)
            row += [trial if whole else short_id(trial), best.heading, score_text(best.ties.best.score), tied]
        row.append("" if best.lead is None else _difference(best.lead, whole=whole))
        row += _interval(best.interval, whole=whole)
        if found.baseline:
            row.append("" if best.above is None else f"{best.above} of {best.scored}" if not whole else str(best.above))
        rows.append(row)
    numeric = [heading not in ("job", "trial", "metric", "interval_95") for heading in headings]
    grid = Grid(headings, numeric, rows, keys=1)
    return grid if whole else _filled(grid)


def cells_grid(found: JobComparison, pair: Pairing, *, whole: bool) -> Grid:
    """Return the cells that two jobs share: all of them if `whole`, else those that differ most.

    With a baseline the scores are differences from it.
    """
    cells = list(pair.cells)
    if not whole and len(cells) > MOST_CELLS:
        cells = sorted(cells, key=lambda cell: -abs(cell.difference))[:MOST_CELLS]
    zero = found.baseline.score if found.baseline else None
    ends = ["low", "high"] if whole else ["interval_95"]
    rows = []
    for cell in cells:
        scores = [
            score_text(score) if zero is None else _difference(score - zero, whole=whole) for score in cell.scores
        ]
        values = cell.values if whole else cell.texts
        rows.append(
            [*values, *scores, _difference(cell.difference, whole=whole), *_interval(cell.interval, whole=whole)]
        )
    over = "_over_baseline" if found.baseline else ""
    headings = [*pair.axes, *(f"{label}{over}" for label in pair.labels), "difference", *ends]
    numeric = [*[True] * (len(pair.axes) + 3), *[whole] * len(ends)]
    texts = [value for cell in cells for value in zip(pair.axes, cell.values, strict=True)]
    for place, axis in enumerate(pair.axes):
        numeric[place] = all(_is_number(value) for name, value in texts if name == axis)
    grid = Grid(headings, numeric, rows, keys=len(pair.axes))
    return grid if whole else _filled(grid)


def _filled(grid: Grid) -> Grid:
    """Return a table without the columns that say nothing in any row; programs get them all the same."""
    kept = [i for i in range(len(grid.headings)) if i < grid.keys or any(row[i] for row in grid.rows)]
    rows = [[row[i] for i in kept] for row in grid.rows]
    return Grid([grid.headings[i] for i in kept], [grid.numeric[i] for i in kept], rows, keys=grid.keys)


def is_whole(kind: Format) -> bool:
    """Whether a table is for programs, which get every row and digit."""
    return kind is Format.CSV


def _difference(value: float, *, whole: bool) -> str:
    return score_text(value) if whole else signed(value)


def _interval(interval: tuple[float, float] | None, *, whole: bool) -> list[str]:
    if not whole:
        return [interval_text(interval)]
    return ["", ""] if interval is None else [score_text(end) for end in interval]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
