"""How strongly each hyperparameter goes with the score, and with the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.frames import JobData
from gridsearch.errors import nearest

Method = Literal["pearson", "spearman"]
METHODS: tuple[Method, ...] = ("pearson", "spearman")
#: Two points always lie on a line; below this many trials a coefficient would say nothing.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Correlation:
    """A symmetric matrix of correlation coefficients.

    Computed by `pandas.DataFrame.corr` (https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.corr.html).

    Attributes:
        method: `pearson` or `spearman`.
        names: The rows and columns: hyperparameters, then the score.
        matrix: The coefficients; None where none exists (too few trials, or a column that never varies).
        n: The number of trials with a score.
        constant: The axes left out because they have one value.
        text: The axes left out because their values are not numbers.
    """

    method: Method
    names: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    n: int
    constant: tuple[str, ...]
    text: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return the matrix as a DataFrame, missing cells as NaN."""
        return pd.DataFrame(self.matrix, index=list(self.names), columns=list(self.names), dtype="float64")


def correlation(data: JobData, method: str = "pearson") -> Correlation:
    """Return Pearson's (of values) or Spearman's (of ranks) coefficients over the trials with a score."""
    if method not in METHODS:
        raise TableError(f"unknown correlation {method!r}{nearest(method, METHODS)}")
    chosen: Method = "pearson" if method == "pearson" else "spearman"
    finished = data.trials[data.trials["score"].notna()]
    columns: dict[str, pd.Series[float]] = {}
    constant, text = [], []
    for name in data.axis_columns:
        if pd.api.types.is_string_dtype(finished[name].dtype):
            text.append(name)
        elif finished[name].nunique() < 2:
            constant.append(name)
        else:
            columns[name] = finished[name].astype("float64")
    numbers = pd.DataFrame(columns | {data.score_heading(): finished["score"]}, index=finished.index)
    coefficients = numbers.corr(method=chosen, min_periods=FEWEST)
    return Correlation(
        method=chosen,
        names=tuple(numbers.columns),
        matrix=tuple(tuple(map(_cell, row)) for row in coefficients.to_numpy().tolist()),
        n=len(finished),
        constant=tuple(constant),
        text=tuple(text),
    )


def _cell(value: float) -> float | None:
    """Return a coefficient within [-1, 1] (the sums behind it may round past the ends), or None for NaN."""
    return None if math.isnan(value) else max(-1.0, min(1.0, value))
