"""A job's trials and epochs as DataFrames: the tables that everything else here is computed from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import pandas as pd

from gridsearch.analysis.answers import Answers, answers_in, held_answers
from gridsearch.analysis.column_names import OVER, free, metric_columns, setting_column
from gridsearch.analysis.filtering import TableError
from gridsearch.analysis.labels import label
from gridsearch.analysis.levels import value_text, with_seen
from gridsearch.analysis.limits import exceeded
from gridsearch.analysis.lineage_curves import Curves, held, own_curves, reported, timed, told_of_each
from gridsearch.analysis.measures import MEASURES, TIMES, measures_for, measures_of
from gridsearch.analysis.rounding import rounded
from gridsearch.analysis.settings import Same, setting_values
from gridsearch.config.axes import Axis
from gridsearch.config.batches import KEEP
from gridsearch.config.events import SCORED_STATES, TrialState
from gridsearch.config.metrics import METRICS, metric_of, names_in, without_idle
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
    LineageCurve,
    TrainingCost,
    TrainingRow,
    TrialRow,
)
from gridsearch.store.signs_of_life import all_lost, holders


@dataclass(frozen=True, eq=False)
class JobData:
    """A job read for analysis.

    Attributes:
        job: The job.
        rows: Its trials as the store has them, in the order of the grid.
        trials: The same as a table (`trials_frame`).
        cost: What its training cost; None if it was read without that.
        curves: Gives the epochs of its lineages, from memory or, as long as it is open, from the store; None if it was
            read without them, and then evaluations, latencies, trainings and launches are empty.
        evaluations: What its trials do on the test images.
        latencies: How fast they predict.
        trainings: What trained its lineages.
        launches: Its launches.
        holders: The launches that may be training its trials (`signs_of_life.holders`), the lost ones too.
        answers: Gives what validation images its trials have right, from memory or, as long as it is open, from the
            store; None if that is not at hand.
    """

    job: JobRow
    rows: tuple[TrialRow, ...]
    trials: pd.DataFrame
    cost: TrainingCost | None
    curves: Curves | None = None
    evaluations: tuple[EvaluationRow, ...] = ()
    latencies: tuple[LatencyRow, ...] = ()
    trainings: tuple[TrainingRow, ...] = ()
    launches: tuple[LaunchRow, ...] = ()
    holders: tuple[LaunchRow, ...] = ()
    answers: Answers | None = None
    _rounded: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    @property
    def is_interrupted(self) -> bool:
        """Whether trials that the store has as running are not: whoever ran them is lost."""
        return all_lost(self.holders)

    @property
    def is_trained(self) -> bool:
        """Whether a launch is at work on it just now."""
        own = [one for one in self.holders if one.job == self.job.name]
        return bool(own) and not all_lost(own)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Return the axes of the job, in the order of its file."""
        return self.job.record.axes

    @cached_property
    def metrics(self) -> dict[str, str]:
        """Return the metrics that its trials have, each with its column of `trials`."""
        names, columns = names_in(self.rows, own=self.is_own), list(map(str, self.trials))
        end = columns.index("score")
        return dict(zip(names, columns[end - len(names) : end], strict=True))

    @property
    def is_own(self) -> bool:
        """Whether code of the user's trains it, of which nobody counts steps or parameters."""
        return bool(self.job.record.training)

    @property
    def objective(self) -> Objective:
        """Return what ranks the trials."""
        return self.job.record.objective

    def score_heading(self, end: str = "") -> str:
        """Return what a column of scores is called: as the objective's metric is."""
        heading, settings = self.objective.heading, set(map(str, self.trials)).difference(self.metrics.values())
        return free(f"{self.metrics.get(heading, heading)}{end}", settings, "metric")

    @property
    def epoch_rows(self) -> tuple[EpochRow, ...]:
        """Return the epochs of all of the job's lineages; `ValueError` where it was read without them."""
        curves = self._curves(dict.fromkeys(row.lineage_id for row in self.rows))
        return tuple(row for curve in curves for row in curve.rows)

    def own_curves(self, rows: Sequence[TrialRow]) -> Iterator[LineageCurve]:
        """Yield the epochs of each of some of its trials; `ValueError` where it was read without them."""
        return own_curves(rows, self._curves)

    @property
    def _curves(self) -> Curves:
        if self.curves is None:
            raise ValueError(f"the epochs of job {self.job.name!r} were not read: load(..., with_epochs=True)")
        return self.curves

    @cached_property
    def place_of(self) -> dict[str, int]:
        """Return the place of each trial, by its id, among `rows`."""
        return {row.trial_id: place for place, row in enumerate(self.rows)}

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
        """Return the columns of settings that some trials do not have, by their model or as it has no effect there."""
        if len(self.job.record.models) < 2:
            idle = {name: self.trials.loc[self.trials[name].isna(), "trial"] for name in self.job.record.mortal_axes}
            return {name: frozenset(trials) for name, trials in idle.items() if len(trials)}
        own = {row.trial_id: self.job.record.settings_of(row.config).keys() for row in self.rows}
        names = {name for settings in own.values() for name in settings}
        lacking = {name: frozenset(trial for trial, known in own.items() if name not in known) for name in names}
        return {setting_column(name): trials for name, trials in lacking.items() if trials}

    def lacks(self, row: Mapping[Any, Any], column: str) -> bool:
        """Return whether the trial in a row of `trials` does not have the setting in a column: it is not null there."""
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
        """The epochs of every trial, long form; see `curves_frame`."""
        curves = zip((row.trial_id for row in self.rows), self.own_curves(self.rows), strict=True)
        if not self.is_own:
            return curves_frame(curves)
        return curves_frame(((trial, reported(curve)) for trial, curve in curves), own=True)


def load(
    store: Store, name: str, *, measures: Collection[str] = (), with_epochs: bool = False, with_cost: bool = True
) -> JobData:
    """Read a job from the store.

    Args:
        store: The store.
        name: The job's name.
        measures: Which of the columns computed from epochs are needed. For them, as for a score that is the best of its
            epochs, the epochs are gone through and let go.
        with_epochs: Whether to hold all epochs, with all measures and what `complete` adds.
        with_cost: Whether to sum up what the training cost.

    Raises:
        StoreError: There is no such job.
    """
    job, trials = store.job(name), store.trials(name)
    open_ones = holders(store.open_launches(), name)
    cost = store.training_cost(name) if with_cost else None
    if with_epochs:
        whole = complete(store, job_data(job, trials, store.job_epochs(name), cost))
        answers = held_answers(answers_in(store, job.record.objective), trials)
        return replace(whole, answers=answers, holders=open_ones)
    by_time = job.record.objective.at == "last" and set(measures) <= set(TIMES)
    curves = timed(trials, store) if by_time and measures else store.iter_curves
    frame = trials_frame(job, trials, curves, measures)
    return JobData(job, tuple(trials), frame, cost, answers=answers_in(store, job.record.objective), holders=open_ones)


def load_to_show(store: Store, name: str, measures: Collection[str]) -> JobData:
    """Read a job as `complete` does, some measures computed; epochs are read, while the store is open, as asked for."""
    return replace(complete(store, load(store, name, measures=measures)), curves=store.iter_curves)


def complete(store: Store, data: JobData) -> JobData:
    """Return a job with its evaluations, what trained it, and its launches."""
    name = data.job.name
    return replace(
        data,
        evaluations=tuple(store.evaluations(name)),
        latencies=tuple(store.latencies(name)),
        trainings=tuple(store.job_trainings(name)),
        launches=tuple(store.launches(name)),
    )


def job_data(
    job: JobRow, trials: Sequence[TrialRow], epochs: Sequence[EpochRow] | None, cost: TrainingCost | None
) -> JobData:
    """Return rows as they come from the store, ready for analysis; without epochs where None are given."""
    curves = None if epochs is None else held(epochs)
    frame = trials_frame(job, trials, curves, MEASURES if epochs else ())
    return JobData(job, tuple(trials), frame, cost, curves)


def trials_frame(
    job: JobRow, trials: Sequence[TrialRow], curves: Curves | None = None, measures: Collection[str] = ()
) -> pd.DataFrame:
    """Return one row per trial, in the order of the grid.

    Args:
        job: The job.
        trials: Its trials.
        curves: Gives the epochs of its lineages, for the `measures` and for a score that is the best of them.
        measures: Which of the `MEASURES` to compute; the others are missing.

    Returns:
        Columns (`column_names`): `trial` (the full id), `state`, the axes in the job's order, the other settings, the
        metrics of the last epoch, `score` (see `Objective`; only completed and stopped trials have one; with `at: best`
        the best of the trial's epochs, epoch 0 aside), `diverged_epoch`, the `MEASURES`, `seconds`, the model's
        `parameters` and `macs`, `error`, and in a job with constraints `over`, the names of those exceeded. What a
        training of the user's own cannot have is no column of its job. A value that is a list is a tuple. Null is
        missing, and so is a setting that a trial's model does not have. With several models `model` is an axis.
    """
    # At once: of very many rows one attribute after the other takes as long as all else.
    own: dict[str, Sequence[Any]] = dict.fromkeys(TrialRow._fields, ())
    if trials:
        own = dict(zip(TrialRow._fields, zip(*trials, strict=True), strict=True))
    settings = setting_values(job.record, own["config"])
    columns: dict[str, pd.Series[Any]] = {
        "trial": pd.Series(own["trial_id"], dtype="str"),
        "state": pd.Series(list(map(str, own["state"])), dtype="str"),
    }
    for name, values in settings.items():
        columns[setting_column(name)] = _setting(name, values)
    own_training = bool(job.record.training)
    metrics = metric_columns(names_in(trials, own=own_training), settings)
    for metric in metrics:
        values = own[metric] if metric in METRICS else Same(None, len(trials))
        if any(own["more"]):
            values = [more.get(metric, value) for more, value in zip(own["more"], values, strict=True)]
        columns[metrics[metric]] = _numbers(values, "float64")
    told = _told_by_epochs(job, trials, settings, curves, measures)
    columns["score"] = _numbers(told["score"], "float64")
    columns["diverged_epoch"] = _numbers(own["diverged_epoch"], "Int64")
    for name in measures_for(metrics, own=own_training) if own_training else MEASURES:
        columns[name] = _numbers(told[name], "Int64" if name == "overfit_epoch" else "float64")
    columns["seconds"] = _numbers(own["seconds"], "float64")
    for size in () if own_training else ("parameters", "macs"):
        columns[size] = _numbers(own[size], "Int64")
    columns["error"] = pd.Series(own["error"], dtype="str")
    if bounds := job.record.limits:
        columns[OVER] = pd.Series([exceeded(row, bounds) for row in trials], dtype="str")
    return pd.DataFrame(columns)


def _told_by_epochs(
    job: JobRow,
    trials: Sequence[TrialRow],
    settings: Mapping[str, Sequence[Any]],
    curves: Curves | None,
    measures: Collection[str],
) -> dict[str, Sequence[Any]]:
    """Return the columns `score` and `MEASURES`; no epoch is read where none tells anything that is asked for."""
    asked, record = job.record.objective, job.record
    of_none: Sequence[Any] = Same(None, len(trials))
    names = [name for name in MEASURES if name in measures]
    columns: dict[str, Sequence[Any]] = dict.fromkeys(("score", *MEASURES), of_none)
    if asked.at == "last":
        columns["score"] = [_score(asked, row, None) for row in trials]
        if not names:
            return columns
    if curves is None:
        return columns
    batches, lasts = settings.get("batch_size", of_none), settings.get("last_batch", of_none)

    def tell(place: int, own: LineageCurve) -> tuple[Any, ...]:
        images = record.images_of(trials[place].config).get("train")
        found = measures_of(own, names, images=images, batch_size=batches[place], last_batch=lasts[place] or KEEP)
        return (_score(asked, trials[place], own), *found)

    told = told_of_each(trials, curves, tell)
    return columns | {name: [row[place] for row in told] for place, name in enumerate(["score", *names])}


def curves_frame(
    curves: Iterable[tuple[str, LineageCurve]], metrics: Sequence[str] | None = None, *, own: bool = False
) -> pd.DataFrame:
    """Return the epochs of trials, given with their ids, long form: in the order given, the epochs of each ascending.

    Epoch 0 is the untrained model. Without `metrics`, those that any of the epochs has are columns. A training of the
    user's `own` has no learning rate.
    """
    parts = [(trial, curve) for trial, curve in curves if curve.epoch]
    if metrics is None:
        metrics = metrics_of_curves((curve for _, curve in parts), own=own)
    columns = {
        "trial": pd.Series([trial for trial, curve in parts for _ in curve.epoch], dtype="str"),
        "epoch": pd.Series([epoch for _, curve in parts for epoch in curve.epoch], dtype="int64"),
    }
    for name in metrics:
        values = chain.from_iterable(curve.metric(name) for _, curve in parts)
        columns[name] = pd.Series(list(values), dtype="float64")
    for name in ("seconds",) if own else ("learning_rate", "seconds"):
        values = chain.from_iterable(getattr(curve, name) for _, curve in parts)
        columns[name] = pd.Series(list(values), dtype="float64")
    return pd.DataFrame(columns)


def metrics_of_curves(curves: Iterable[LineageCurve], *, own: bool = False) -> tuple[str, ...]:
    """Return the metrics that any epoch of these has, those of our own loop first; of the user's `own` no other."""
    named: set[str] = set()
    ours, foreign = False, own
    measured: set[str] = set()
    for curve in curves:
        if curve.epoch:
            lacking = [name for name in METRICS if name not in measured]
            measured.update(name for name in lacking if any(one is not None for one in getattr(curve, name)))
            ours, foreign = ours or curve.learning_rate[-1] is not None, foreign or curve.learning_rate[-1] is None
            named.update(*curve.more)
    standard = [name for name in METRICS if ours or not foreign or name in named]
    return (*without_idle(standard, measured), *sorted(named.difference(METRICS)))


def _numbers(values: Sequence[Any], kind: Literal["float64", "Int64"]) -> pd.Series[Any]:
    """Return numbers as a column; most jobs have columns of nothing, of which one cell is looked at."""
    if isinstance(values, Same) or (values and values.count(None) == len(values)):
        return pd.Series([values[0]] if len(values) else [], dtype=kind).repeat(len(values)).reset_index(drop=True)
    return pd.Series(list(values), dtype=kind)


def _setting(name: str, values: Sequence[Any]) -> pd.Series[Any]:
    """Return a setting as the narrowest column that holds it: whole, real, true/false, lists as tuples, else text."""
    if isinstance(values, Same):
        return _setting(name, [values.value]).repeat(len(values)).reset_index(drop=True)
    kinds = set(map(type, values))
    missing = type(None) in kinds
    kinds.discard(type(None))
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if missing else "bool")
    if (kinds and kinds <= {int, float}) or (not kinds and name in FLOAT_KEYS):
        large = float not in kinds and any(value is not None and abs(value) >= 2**63 for value in set(values))
        real = name in FLOAT_KEYS or float in kinds or large
        return pd.Series(values, dtype="float64" if real else "Int64" if missing else "int64")
    if kinds & {list, tuple}:
        return pd.Series([_hashable(value) for value in values], dtype="object")
    texts = values if kinds <= {str} else [None if value is None else label(value) for value in values]
    return pd.Series(texts, dtype="str")


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def _score(asked: Objective, row: TrialRow, own: LineageCurve | None) -> float | None:
    """Return a trial's score: of its numbers, which are those of its last epoch, or of its best epoch."""
    if row.state not in SCORED_STATES:
        return None
    read = row if asked.at == "last" or own is None else scored_epoch(asked, own.rows)
    return None if read is None else metric_of(read, asked.metric)


def may_win(frame: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of trials, or of points, may be the best: with a score, not diverged, within the limits."""
    allowed = frame["score"].notna() & (frame["state"] != TrialState.DIVERGED.value)
    return allowed & (frame[OVER] == "") if OVER in frame else allowed
