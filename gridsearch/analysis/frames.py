"""A job's trials and epochs as DataFrames: the tables that everything else here is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import value_text, with_seen
from gridsearch.analysis.limits import exceeded
from gridsearch.analysis.measures import MEASURES, measures_of, own_epochs
from gridsearch.analysis.rounding import rounded
from gridsearch.analysis.settings import setting_values
from gridsearch.config.axes import Axis
from gridsearch.config.batches import KEEP
from gridsearch.config.events import SCORED_STATES, TrialState
from gridsearch.config.metrics import METRICS
from gridsearch.config.sections import Objective
from gridsearch.config.trial import FLOAT_KEYS
from gridsearch.config.trial_epoch import scored_epoch
from gridsearch.errors import nearest
from gridsearch.store.contract import Store
from gridsearch.store.rows import (
    EpochRow,
    EvaluationRow,
    JobRow,
    LatencyRow,
    LaunchRow,
    TrainingCost,
    TrainingRow,
    TrialRow,
)

BEFORE = ("trial", "state")
AFTER = (*METRICS, "score", "diverged_epoch", *MEASURES, "seconds", "parameters", "macs", "error")
#: What a job with constraints has too: which of them a trial exceeds.
OVER = "over"
#: What a table of points has instead, where each is trained more than once (see `groups`).
SPREAD = ("score_std", "score_n", "score_of", "score_diverged")
#: All columns that are no setting.
OURS = frozenset((*BEFORE, *AFTER, OVER, *SPREAD))
EPOCH_COLUMNS = ("trial", "epoch", *METRICS, "learning_rate", "seconds")


@dataclass(frozen=True, eq=False)
class JobData:
    """A job read for analysis.

    Attributes:
        job: The job.
        rows: Its trials as the store has them, in the order of the grid.
        trials: The same as a table (`trials_frame`).
        cost: What its training cost.
        read_epochs: The epochs of its lineages; None if it was read without them.
        evaluations: What its trials do on the test images.
        latencies: How fast they predict.
        trainings: What trained its lineages; empty if it was read without epochs.
        launches: Its launches; empty if it was read without epochs.
    """

    job: JobRow
    rows: tuple[TrialRow, ...]
    trials: pd.DataFrame
    cost: TrainingCost
    read_epochs: tuple[EpochRow, ...] | None = None
    evaluations: tuple[EvaluationRow, ...] = ()
    latencies: tuple[LatencyRow, ...] = ()
    trainings: tuple[TrainingRow, ...] = ()
    launches: tuple[LaunchRow, ...] = ()
    _rounded: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Return the axes of the job, in the order of its file."""
        return self.job.record.axes

    @property
    def objective(self) -> Objective:
        """Return what ranks the trials."""
        return self.job.record.objective

    @property
    def epoch_rows(self) -> tuple[EpochRow, ...]:
        """The epochs of the job's lineages.

        Raises:
            ValueError: The job was read without them.
        """
        if self.read_epochs is None:
            raise ValueError(f"the epochs of job {self.job.name!r} were not read: load(..., with_epochs=True)")
        return self.read_epochs

    @property
    def axis_columns(self) -> list[str]:
        """Return the columns of `trials` that hold the axes, in order."""
        return [setting_column(axis.name) for axis in self.axes]

    def along(self, name: str) -> tuple[Axis, list[str]]:
        """Return an axis, with values that trials have but the job does not name, and each trial's value as text.

        Args:
            name: The axis. A trial without the setting has an empty text.

        Raises:
            TableError: There is no such axis; the message names the nearest one.
        """
        if name not in self.axis_columns:
            raise TableError(f"unknown axis {name!r}{nearest(name, self.axis_columns)}")
        declared = self.axes[self.axis_columns.index(name)]
        axis = replace(declared, name=name)
        values = self.trials[name].tolist()
        texts = self.texts(declared, self.trials)
        return with_seen(axis, dict(zip(texts, values, strict=True))), texts

    def settings_texts(self, row: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
        """Return the axes' columns with the texts of their values in a row of `trials`, long numbers rounded."""
        pairs = zip(self.axes, self.axis_columns, strict=True)
        return tuple((name, self.shown(name, self.text(axis, row))) for axis, name in pairs)

    @cached_property
    def lacking(self) -> dict[str, frozenset[str]]:
        """Return, where models differ, the columns of settings that some do not have, with the trials of these."""
        if len(self.job.record.models) < 2:
            return {}
        own = {row.trial_id: self.job.record.settings_of(row.config).keys() for row in self.rows}
        names = {name for settings in own.values() for name in settings}
        lacking = {name: frozenset(trial for trial, known in own.items() if name not in known) for name in names}
        return {setting_column(name): trials for name, trials in lacking.items() if trials}

    def lacks(self, row: Mapping[Any, Any], column: str) -> bool:
        """Return whether the model of a row of `trials` does not have the setting in a column: it is not null there."""
        return row["trial"] in self.lacking.get(column, ())

    def text(self, axis: Axis, row: Mapping[Any, Any]) -> str:
        """Return the text of an axis's value in a row of `trials`, nothing where it has none."""
        column = setting_column(axis.name)
        return "" if self.lacks(row, column) else value_text(axis, row[column])

    def texts(self, axis: Axis, frame: pd.DataFrame) -> list[str]:
        """Return the same for each row of a part of `trials`."""
        column = setting_column(axis.name)
        if column not in self.lacking and frame[column].dtype != object:
            # Very many trials have few values; in other columns equal values may read differently.
            codes, values = pd.factorize(frame[column], use_na_sentinel=False)
            known = [value_text(axis, value) for value in values.tolist()]
            return [known[code] for code in codes]
        return [
            self.text(axis, {"trial": trial, column: value})
            for trial, value in zip(frame["trial"].tolist(), frame[column].tolist(), strict=True)
        ]

    def shown(self, column: str, text: str) -> str:
        """Return the text of a setting's value (`label`) for people to read: long numbers rounded (see `rounding`)."""
        if column not in self._rounded:
            declared = dict(zip(self.axis_columns, self.axes, strict=True)).get(column)
            present = self.trials[column].dropna().unique().tolist()
            self._rounded[column] = rounded([*(declared.values if declared else ()), *present])
        return self._rounded[column].get(text, text)

    @property
    def rounds(self) -> list[str]:
        """Return the columns of the axes whose values have more digits than `shown` gives."""
        return [
            name
            for axis, name in zip(self.axes, self.axis_columns, strict=True)
            if any(self.shown(name, text) != text for text in map(label, axis.values))
        ]

    @property
    def epochs(self) -> pd.DataFrame:
        """The epochs of every trial, long form; see `epochs_frame`."""
        return epochs_frame(self.rows, self.epoch_rows)


def load(store: Store, name: str, *, with_epochs: bool = False) -> JobData:
    """Read a job from the store.

    Args:
        store: The store.
        name: The job's name.
        with_epochs: Whether to read its epochs too, with evaluations, trainings and launches. Epochs are also read if
            the score is the best of them.

    Raises:
        StoreError: There is no such job.
    """
    job = store.job(name)
    needed = with_epochs or job.record.objective.at == "best"
    data = job_data(job, store.trials(name), store.job_epochs(name) if needed else None, store.training_cost(name))
    if not with_epochs:
        return data
    return replace(
        data,
        evaluations=tuple(store.evaluations(name)),
        latencies=tuple(store.latencies(name)),
        trainings=tuple(store.job_trainings(name)),
        launches=tuple(store.launches(name)),
    )


def job_data(job: JobRow, trials: Sequence[TrialRow], epochs: Sequence[EpochRow] | None, cost: TrainingCost) -> JobData:
    """Return rows as they come from the store, ready for analysis; without epochs where None are given."""
    frame = trials_frame(job, trials, epochs or ())
    return JobData(job, tuple(trials), frame, cost, None if epochs is None else tuple(epochs))


def setting_column(name: str) -> str:
    """Return the column of a setting: its name, or `setting_<name>` where a column of ours is called that."""
    return f"setting_{name}" if name in OURS else name


def trials_frame(job: JobRow, trials: Sequence[TrialRow], epochs: Sequence[EpochRow] = ()) -> pd.DataFrame:
    """Return one row per trial, in the order of the grid.

    Args:
        job: The job.
        trials: Its trials.
        epochs: The epochs of its lineages, for the `MEASURES` and for a score that is the best of them.

    Returns:
        Columns: `trial` (the full id), `state`, the axes in the job's order, the other settings, the metrics of
        the last epoch, `score` (see `Objective`; only completed and stopped trials have one; with `at: best`
        the best of the epochs, epoch 0 aside), `diverged_epoch`, the `MEASURES` (missing without `epochs`),
        `seconds`, the model's `parameters` and `macs`, `error`, and in a job with constraints `over`, the names
        of those exceeded. A value that is a list is a tuple. Null is missing, and so is a setting that a
        trial's model does not have. With several models `model` is an axis.
    """
    settings = setting_values(job.record, [row.config for row in trials])
    columns: dict[str, pd.Series[Any]] = {
        "trial": pd.Series([row.trial_id for row in trials], dtype="str"),
        "state": pd.Series([row.state.value for row in trials], dtype="str"),
    }
    for name, values in settings.items():
        columns[setting_column(name)] = _setting(name, values)
    for metric in METRICS:
        columns[metric] = pd.Series([getattr(row, metric) for row in trials], dtype="float64")
    own = own_epochs(trials, epochs) if epochs else [[]] * len(trials)
    columns["score"] = _scores(job.record.objective, trials, own)
    columns["diverged_epoch"] = pd.Series([row.diverged_epoch for row in trials], dtype="Int64")
    measured = _measured(job, settings, own) if epochs else [dict.fromkeys(MEASURES)] * len(trials)
    for name in MEASURES:
        kind = "Int64" if name == "overfit_epoch" else "float64"
        columns[name] = pd.Series([row[name] for row in measured], dtype=kind)
    columns["seconds"] = pd.Series([row.seconds for row in trials], dtype="float64")
    for size in ("parameters", "macs"):
        columns[size] = pd.Series([getattr(row, size) for row in trials], dtype="Int64")
    columns["error"] = pd.Series([row.error for row in trials], dtype="str")
    if bounds := job.record.limits:
        columns[OVER] = pd.Series([exceeded(row, bounds) for row in trials], dtype="str")
    return pd.DataFrame(columns)


def _measured(
    job: JobRow, settings: Mapping[str, Sequence[Any]], own: Sequence[Sequence[EpochRow]]
) -> list[dict[str, Any]]:
    """Return the measures of each trial, by its settings and its epochs."""
    images, of_none = job.record.images.get("train"), [None] * len(own)
    batches, lasts = settings.get("batch_size", of_none), settings.get("last_batch", of_none)
    return [
        measures_of(curve, images=images, batch_size=batch, last_batch=last or KEEP)
        for curve, batch, last in zip(own, batches, lasts, strict=True)
    ]


def epochs_frame(trials: Sequence[TrialRow], epochs: Sequence[EpochRow]) -> pd.DataFrame:
    """Return the epochs of every trial, long form: its lineage's, up to the trial's own number of epochs.

    Epoch 0 is the untrained model. Trials are in the order given, the epochs of each ascending.
    """
    own = own_epochs(trials, epochs)
    return curves_frame([(row.trial_id, curve) for row, curve in zip(trials, own, strict=True)])


def curves_frame(curves: Iterable[tuple[str, Sequence[EpochRow]]]) -> pd.DataFrame:
    """Return the epochs of trials, given with their ids, as `epochs_frame` does."""
    rows = [(trial, *row[1:]) for trial, curve in curves for row in curve]
    kinds = ("str", "int64", *["float64"] * (len(EPOCH_COLUMNS) - 2))
    columns = zip(*rows, strict=True) if rows else [()] * len(EPOCH_COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for name, kind, column in zip(EPOCH_COLUMNS, kinds, columns, strict=True)
        }
    )


def _setting(name: str, values: list[Any]) -> pd.Series[Any]:
    """Return a setting as the narrowest column that holds it: whole, real, true/false, lists as tuples, else text."""
    kinds = set(map(type, values))
    missing = type(None) in kinds
    kinds.discard(type(None))
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if missing else "bool")
    if kinds and kinds <= {int, float}:
        large = float not in kinds and any(value is not None and abs(value) >= 2**63 for value in set(values))
        real = name in FLOAT_KEYS or float in kinds or large
        return pd.Series(values, dtype="float64" if real else "Int64" if missing else "int64")
    if kinds & {list, tuple}:
        return pd.Series([_hashable(value) for value in values], dtype="object")
    texts = values if kinds <= {str} else [None if value is None else label(value) for value in values]
    return pd.Series(texts, dtype="str")


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def _scores(asked: Objective, trials: Sequence[TrialRow], own: Sequence[Sequence[EpochRow]]) -> pd.Series[Any]:
    return pd.Series([_score(asked, row, curve) for row, curve in zip(trials, own, strict=True)], dtype="float64")


def _score(asked: Objective, row: TrialRow, own: Sequence[EpochRow]) -> float | None:
    """Return a trial's score: of its numbers, which are those of its last epoch, or of its best epoch."""
    if row.state not in SCORED_STATES:
        return None
    read = row if asked.at == "last" else scored_epoch(asked, own)
    value: float | None = getattr(read, asked.metric, None)
    return value


def may_win(frame: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of trials, or of points, may be the best: with a score, not diverged, within the limits."""
    allowed = frame["score"].notna() & (frame["state"] != TrialState.DIVERGED.value)
    return allowed & (frame[OVER] == "") if OVER in frame else allowed
