"""The mean score of each combination of the values of two axes: measured, not interpolated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridsearch.analysis.factors import Design
from gridsearch.analysis.filtering import TableError


@dataclass(frozen=True, slots=True)
class Cells:
    """Two axes, and what each combination of their values comes to over all that the other axes hold.

    Attributes:
        rows: The axis of the rows.
        columns: The axis of the columns.
        row_levels: The values of the rows, R of them.
        column_levels: The values of the columns, C of them.
        means: (R, C) the mean score; None where no trial has one.
        bests: (R, C) the best score within the constraints; None where there is none.
        counts: (R, C) how many trials have a score.
    """

    rows: str
    columns: str
    row_levels: tuple[str, ...]
    column_levels: tuple[str, ...]
    means: tuple[tuple[float | None, ...], ...]
    bests: tuple[tuple[float | None, ...], ...]
    counts: tuple[tuple[int, ...], ...]

    def frame(self) -> pd.DataFrame:
        """Return the means as a table, rows and columns named by their values; NaN where there is none."""
        index = pd.Index(self.row_levels, name=self.rows)
        columns = pd.Index(self.column_levels, name=self.columns)
        return pd.DataFrame(self.means, index=index, columns=columns, dtype="float64")


def cells(runs: Design, rows: str, columns: str) -> Cells:
    """Return the cells of two axes; `TableError` where one does not vary or is not there, or both are the same."""
    if rows == columns:
        raise TableError(f"a pair needs two axes, and {rows!r} is named twice")
    one, other = runs.factor(rows), runs.factor(columns)
    shape = (len(one.levels), len(other.levels))
    places = one.codes * shape[1] + other.codes
    size = shape[0] * shape[1]
    counts = np.bincount(places, minlength=size)
    sums = np.bincount(places, runs.scores, minlength=size)
    worst = -np.inf if runs.highest else np.inf
    bests = np.full(size, worst)
    (np.maximum if runs.highest else np.minimum).at(bests, places[runs.wins], runs.scores[runs.wins])
    means = [total / count if count else None for total, count in zip(sums.tolist(), counts.tolist(), strict=True)]
    found = [None if best == worst else best for best in bests.tolist()]
    return Cells(
        rows,
        columns,
        one.levels,
        other.levels,
        tuple(tuple(means[first : first + shape[1]]) for first in range(0, size, shape[1])),
        tuple(tuple(found[first : first + shape[1]]) for first in range(0, size, shape[1])),
        tuple(tuple(line) for line in counts.reshape(shape).tolist()),
    )
