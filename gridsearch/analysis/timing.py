"""What an epoch and a step cost for each value of an axis (Table 1 of report 004)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import MOST_COMPARED, ordered_values

#: Axes that the time of an epoch cannot depend on.
_TIMELESS = frozenset({"epochs", "learning_rate", "seed", "data_seed"})


@dataclass(frozen=True, slots=True)
class TimingRow:
    """Medians over the trainings at one value of the axis; one that several trials read is one training."""

    value: str
    trainings: int
    ms_per_step: float | None
    seconds_per_epoch: float


@dataclass(frozen=True, slots=True)
class Timing:
    """The time of a step and of an epoch, evaluation included, for each value of `axis` that was trained.

    `numeric`: the values are amounts.
    """

    axis: str
    numeric: bool
    rows: tuple[TimingRow, ...]

    def frame(self) -> pd.DataFrame:
        """Return the rows as a DataFrame, the axis as its first column."""
        columns = [self.axis, "trainings", "ms_per_step", "seconds_per_epoch"]
        rows = [(row.value, row.trainings, row.ms_per_step, row.seconds_per_epoch) for row in self.rows]
        return pd.DataFrame(rows, columns=columns)


def timing(data: JobData, name: str) -> Timing:
    """Return what epochs and steps cost along an axis; the job's epochs must have been loaded."""
    axis, texts = data.along(name)
    lineages, lengths = [row.lineage_id for row in data.rows], [row.epochs for row in data.rows]
    frame = data.trials[["seconds_per_epoch", "ms_per_step"]].assign(value=texts, lineage=lineages, length=lengths)
    frame = frame[frame["seconds_per_epoch"].notna()].sort_values("length").drop_duplicates("lineage", keep="last")
    groups = {str(value): group for value, group in frame.groupby("value")}
    order = [label(value) for value in ordered_values(axis)]
    return Timing(
        name, axis.scale != "category", tuple(_row(value, groups[value]) for value in order if value in groups)
    )


def timings(data: JobData) -> tuple[Timing, ...]:
    """Return the timings along every axis that time may depend on, that varies, and whose values can be read."""
    names = [name for axis, name in zip(data.axes, data.axis_columns, strict=True) if axis.name not in _TIMELESS]
    found = [timing(data, name) for name in names]
    return tuple(one for one in found if 2 <= len(one.rows) <= MOST_COMPARED)


def _row(value: str, group: pd.DataFrame) -> TimingRow:
    step = group["ms_per_step"].median()
    return TimingRow(
        value=value,
        trainings=len(group),
        ms_per_step=None if pd.isna(step) else float(step),
        seconds_per_epoch=float(group["seconds_per_epoch"].median()),
    )
