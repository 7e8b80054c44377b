"""What an epoch and a step cost for each value of an axis (Table 1 of report 004)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gridsearch.analysis.column_names import free
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import MOST_COMPARED, ordered_values
from gridsearch.analysis.measures import TIMES

#: Axes that the time of an epoch cannot depend on.
_TIMELESS = frozenset({"epochs", "learning_rate", "seed", "data_seed"})


@dataclass(frozen=True, slots=True)
class TimingRow:
    """Medians over the trainings at one value of an axis; a training that several trials read counts once.

    Attributes:
        value: The value as text.
        trainings: How many trainings.
        ms_per_step: Milliseconds per step, evaluation included; None if the number of steps is not known.
        seconds_per_epoch: Seconds per epoch, evaluation included.
        together: How many models were trained together and share the time; 1 for alone, None if not known.
    """

    value: str
    trainings: int
    ms_per_step: float | None
    seconds_per_epoch: float
    together: int | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """The time of a step and of an epoch for each value of an axis that was trained.

    If every value has trainings of single models, only these count.

    Attributes:
        axis: The axis.
        numeric: Whether its values are amounts.
        rows: One for each value.
        shared: Whether trainings at different values were trained together, so that their times say nothing about the
            axis.
        stepwise: Whether anybody counts steps and trains several as one: not in trainings of the user's own.
    """

    axis: str
    numeric: bool
    rows: tuple[TimingRow, ...]
    shared: bool = False
    stepwise: bool = True

    def frame(self) -> pd.DataFrame:
        """Return the rows as a DataFrame, the axis as its first column."""
        counted = (free(name, [self.axis], "table") for name in ("trainings", "trained_together"))
        trainings, together = counted
        columns = [self.axis, trainings, "ms_per_step", "seconds_per_epoch", together]
        rows = [(row.value, row.trainings, row.ms_per_step, row.seconds_per_epoch, row.together) for row in self.rows]
        frame = pd.DataFrame(rows, columns=columns).astype({together: "Int64"})
        return frame if self.stepwise else frame.drop(columns=["ms_per_step", together])


def timing(data: JobData, name: str) -> Timing:
    """Return what epochs and steps cost along an axis; `TIMES` must be among the job's columns."""
    packs = _packs(data)
    return _along(data, name, _trainings(data, packs), packs)


def timings(data: JobData) -> tuple[Timing, ...]:
    """Return the timings along every axis that time may depend on, that varies, and whose values can be read."""
    names = [name for axis, name in zip(data.axes, data.axis_columns, strict=True) if axis.name not in _TIMELESS]
    packs = _packs(data)
    trainings = _trainings(data, packs)
    found = []
    for name in names:
        _, texts = data.along(name)
        if 2 <= len({texts[place] for place in trainings.index} - {""}) <= MOST_COMPARED:
            found.append(_along(data, name, trainings, packs))
    return tuple(found)


def _trainings(data: JobData, packs: Mapping[str, frozenset[str]]) -> pd.DataFrame:
    """Return what each training of a lineage took, by the longest of the trials that read it.

    The index is the trial's place, `together` with how many it was trained as one, itself included.
    """
    lineages, lengths = [row.lineage_id for row in data.rows], [row.epochs for row in data.rows]
    frame = data.trials.reindex(columns=[*TIMES]).assign(lineage=lineages, length=lengths)
    frame = frame[frame["seconds_per_epoch"].notna()].sort_values("length").drop_duplicates("lineage", keep="last")
    sizes = [len(packs[lineage]) if lineage in packs else None for lineage in frame["lineage"]]
    return frame.assign(together=pd.Series(sizes, index=frame.index, dtype="Int64"))


def _along(data: JobData, name: str, trainings: pd.DataFrame, packs: Mapping[str, frozenset[str]]) -> Timing:
    axis, texts = data.along(name)
    frame = trainings.assign(value=pd.Series(texts, data.trials.index, dtype="object"))
    alone = frame[frame["together"] == 1]
    if set(alone["value"]) == set(frame["value"]):
        frame = alone
    groups = {str(value): group for value, group in frame.groupby("value")}
    order = [label(value) for value in ordered_values(axis)]
    return Timing(
        name,
        axis.scale != "category",
        tuple(_row(value, groups[value]) for value in order if value in groups),
        _shared(frame, packs),
        stepwise=not data.is_own,
    )


def _packs(data: JobData) -> dict[str, frozenset[str]]:
    """Return with whom each lineage was trained as one, itself included, where that is known."""
    found: dict[str, frozenset[str]] = {}
    # By identity: lineages trained as one share their formation, which may have hundreds of places.
    packs = {id(one.formation): one.formation for one in data.trainings}
    members_of = {key: frozenset(place.lineage_id for place in pack.places) for key, pack in packs.items()}
    for one in data.trainings:
        members = members_of[id(one.formation)] or frozenset((one.lineage_id,))
        # Of one that was trained in several, the largest: any of its epochs may be the median.
        if len(members) > len(found.get(one.lineage_id, ())):
            found[one.lineage_id] = members
    return found


def _shared(frame: pd.DataFrame, packs: Mapping[str, frozenset[str]]) -> bool:
    if not packs:
        return False
    values: dict[str, str] = dict(zip(frame["lineage"], frame["value"], strict=True))
    stood_in = {id(packs[lineage]): packs[lineage] for lineage in values if lineage in packs}
    return any(len({values[one] for one in pack if one in values}) > 1 for pack in stood_in.values())


def _row(value: str, group: pd.DataFrame) -> TimingRow:
    step = group["ms_per_step"].median()
    together = group["together"].max()
    return TimingRow(
        value=value,
        trainings=len(group),
        ms_per_step=None if pd.isna(step) else float(step),
        seconds_per_epoch=float(group["seconds_per_epoch"].median()),
        together=None if pd.isna(together) else int(together),
    )
