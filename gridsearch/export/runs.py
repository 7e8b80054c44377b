"""The trials of a job as runs, one at a time: what TensorBoard and MLflow are told is the same."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from gridsearch.analysis.column_names import setting_column
from gridsearch.analysis.frames import JobData
from gridsearch.analysis.labels import label
from gridsearch.analysis.settings import setting_values
from gridsearch.config.events import TrialState
from gridsearch.config.identity import point_of
from gridsearch.config.metrics import METRICS, is_loss
from gridsearch.config.value_kinds import kind_of
from gridsearch.store.contract import Store
from gridsearch.store.rows import LineageCurve, TrialRow

#: What a trial's score is called among its metrics; none of these may be called so.
SCORE = "score"
LEARNING_RATE = "learning_rate"
#: Digits of a trial's id that end the name of its run, as those of its files do.
_ID_DIGITS = 12
#: How many characters the settings have in a run's name: file systems allow 255 bytes.
_LONGEST_SETTINGS = 160


class Step(NamedTuple):
    """An epoch: when it ended (seconds since 1970), and what was measured, by name; NaN where it was not finite."""

    epoch: int
    at: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """A trial that has begun.

    Attributes:
        trial: Its full id.
        name: A readable name, unique and safe as a file's.
        point: The point whose repeats or folds it is one of, named like a run; empty where points have one trial.
        axes: Its values on the job's axes; text where an axis has values of several kinds.
        settings: All of its settings.
        state: Its state.
        steps: Its own epochs, ascending.
        score: Its score; None where it has none.
        started: When it began, as far as its epochs tell, in seconds since 1970.
        ended: When it ended.
    """

    trial: str
    name: str
    point: str
    axes: Mapping[str, bool | float | str]
    settings: Mapping[str, Any]
    state: TrialState
    steps: Sequence[Step]
    score: float | None
    started: float
    ended: float


@dataclass(frozen=True)
class RunAxis:
    """An axis as other programs take one: its values are all numbers, or true/false, or text."""

    name: str
    kind: type[float] | type[bool] | type[str]
    values: tuple[bool | float | str, ...]

    def value(self, value: Any) -> bool | float | str:
        """Return a value in this axis's kind."""
        if self.kind is float:
            return float(value)
        return value if self.kind is bool else label(value)


class Runs:
    """The runs of a job: its axes, and its trials that have begun; of the ids `chosen` alone, unless that is None."""

    def __init__(self, store: Store, data: JobData, chosen: Container[str] | None = None) -> None:
        self._store, self._data, self._chosen = store, data, chosen
        names = data.job.record.axis_names
        columns = setting_values(data.job.record, [row.config for row in data.rows])
        self._columns = {name: columns[name] for name in names if name in columns}
        self.axes = tuple(_axis(data, name, column) for name, column in self._columns.items())

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs in the order of the grid; epochs are read as they are needed, and let go."""
        rows = self._data.rows
        scores = self._data.trials["score"].tolist()
        places = [place for place, row in enumerate(rows) if self._chosen is None or row.trial_id in self._chosen]
        curves = self._store.iter_curves(rows[place].lineage_id for place in places)
        for place, curve in zip(places, curves, strict=True):
            row, own = rows[place], curve.up_to(rows[place].epochs)
            if row.state != TrialState.PENDING or own.epoch:
                yield self._run(place, row, own, scores[place])

    def _run(self, place: int, row: TrialRow, curve: LineageCurve, score: float) -> Run:
        record = self._data.job.record
        axes = {
            axis.name: axis.value(self._columns[axis.name][place])
            for axis in self.axes
            if row.trial_id not in self._data.lacking.get(setting_column(axis.name), ())
        }
        settings = record.settings_of(row.config)
        shown = {
            axis.name: self._data.shown(setting_column(axis.name), label(settings.get(axis.name)))
            for axis in self.axes
            if axis.name in axes and len(axis.values) > 1
        }
        point = ""
        if record.has_groups:
            digest = hashlib.sha256(point_of(row.config, record.repeated_seeds).encode()).hexdigest()
            point = run_name(shown, digest)
            shown |= {name: label(settings[name]) for name in record.differing if name in settings}
        seconds = [one or 0.0 for one in curve.seconds]
        ended = row.finished_at or self._data.job.created_at
        started = ended.timestamp() - (sum(seconds) if row.finished_at else 0.0)
        times = [started + passed for passed in accumulate(seconds)]
        return Run(
            row.trial_id,
            run_name(shown, row.trial_id),
            point,
            axes,
            settings,
            row.state,
            _steps(row, curve, times),
            None if math.isnan(score) else score,
            started,
            times[-1] if times else started,
        )


def run_name(settings: Mapping[str, str], identity: str) -> str:
    """Return the name of a run: its settings and the beginning of its id, in characters that any file may have.

    >>> run_name({"learning_rate": "0.1", "act": "a/b"}, "3f2a91c40b7e55")
    'learning_rate=0.1,act=a-b-3f2a91c40b7e'
    """
    told = ",".join(f"{name}={text}" for name, text in settings.items())
    safe = re.sub(r"[^A-Za-z0-9_.,=+-]+", "-", told)[:_LONGEST_SETTINGS].lstrip(".-")
    return f"{safe}-{identity[:_ID_DIGITS]}" if safe else identity[:_ID_DIGITS]


def id_in(name: str) -> str | None:
    """Return the digits of an id that a run's name ends with; None for a name that is no run's."""
    found = re.search(rf"(?:^|-)([0-9a-f]{{{_ID_DIGITS}}})$", name)
    return found[1] if found else None


def _axis(data: JobData, name: str, column: Sequence[Any]) -> RunAxis:
    lacking = data.lacking.get(setting_column(name), frozenset())
    declared = next(axis.values for axis in data.axes if axis.name == name)
    own = [value for row, value in zip(data.rows, column, strict=True) if row.trial_id not in lacking]
    distinct = {label(value): value for value in [*declared, *own]}
    kinds = {kind_of(value) for value in distinct.values()}
    if kinds == {"number"} and all(map(math.isfinite, distinct.values())):
        return RunAxis(name, float, tuple(sorted(map(float, distinct.values()))))
    if kinds == {"true/false"}:
        return RunAxis(name, bool, tuple(sorted(distinct.values())))
    return RunAxis(name, str, tuple(distinct))


def _steps(row: TrialRow, curve: LineageCurve, times: Sequence[float]) -> list[Step]:
    steps, known = [], set[str]()
    for epoch, at in zip(curve.rows, times, strict=True):
        measured = {name: getattr(epoch, name) for name in METRICS}
        measured |= {**epoch.more, LEARNING_RATE: epoch.learning_rate}
        values = {name: value for name, value in measured.items() if value is not None}
        if epoch.epoch == row.diverged_epoch:
            # The store has none where a number was not finite; a loss that was there before was that.
            values |= {name: math.nan for name in sorted(known - values.keys()) if is_loss(name)}
        known |= values.keys()
        steps.append(Step(epoch.epoch, at, values))
    return steps
