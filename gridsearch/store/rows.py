"""What the store takes and gives: small frozen records, equal by value, with no connection behind them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError

from gridsearch.config.events import Formation, TrialState
from gridsearch.config.metrics import METRICS, NO_METRICS
from gridsearch.config.record import JobRecord
from gridsearch.errors import StoreDamagedError


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial of a job as the planner hands it over; `config` is its canonical JSON."""

    trial_id: str
    lineage_id: str
    epochs: int
    config: str


@dataclass(frozen=True)
class JobRow:
    """A job as last launched.

    `spec` are the JSON values that `record` is written as: a store keeps them, and what they mean it does not ask.
    `source` is the text of the job file with its overrides, `grid` the hash of its trials (`identity.grid_digest`).
    """

    name: str
    revision: int
    spec: Mapping[str, Any]
    source: str
    created_at: datetime
    updated_at: datetime
    grid: str = ""

    @cached_property
    def record(self) -> JobRecord:
        """Return the resolved job; `StoreDamagedError` where what the store has is none."""
        try:
            return JobRecord.model_validate(self.spec)
        except (ValidationError, TypeError, KeyError) as error:
            why = repr(error)
            if isinstance(error, ValidationError):
                first = error.errors(include_url=False)[0]
                why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise StoreDamagedError(f"the record in the store of job {self.name!r} is not valid: {why}") from error


class TrialRow(NamedTuple):
    """A trial with its last numbers, and the log's path where it failed.

    `more` are metrics that have no field. A tuple, as `EpochRow` is.

    The numbers are those of its last epoch (with `restore_best`, of its best one), or of the one in which it diverged
    where that has a record; None until then, and where they were not finite. `seconds` is the wall time of its epochs,
    `stopped_epoch` the one after which early stopping ended it; `parameters` and `macs` are the model's, None where
    they have not been counted.
    """

    trial_id: str
    lineage_id: str
    epochs: int
    config: str
    state: TrialState
    attempt: int
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    diverged_epoch: int | None
    error: str | None
    log: str | None
    seconds: float | None
    finished_at: datetime | None
    stopped_epoch: int | None = None
    parameters: int | None = None
    macs: int | None = None
    more: Mapping[str, float | None] = NO_METRICS


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """Epochs that were trained, and what they took: seconds of workers' time, evaluation included."""

    epochs: int
    seconds: float


class EpochRow(NamedTuple):
    """One epoch of a lineage as recorded; metrics are None where they were not finite, or not measured.

    `more` are metrics that have no field. What our own loop did not train has no learning rate, and all of its metrics
    are there. A tuple, as there are millions, and a frozen dataclass takes longer to make.
    """

    lineage_id: str
    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float | None
    seconds: float
    more: Mapping[str, float | None] = NO_METRICS


class LineageCurve(NamedTuple):
    """The epochs of a lineage as recorded, ascending, column by column: what `EpochRow` has of each.

    Of very many epochs a few columns are looked at, and a tuple for each of these is made in no time.
    """

    lineage_id: str
    epoch: tuple[int, ...] = ()
    train_loss: tuple[float | None, ...] = ()
    train_accuracy: tuple[float | None, ...] = ()
    val_loss: tuple[float | None, ...] = ()
    val_accuracy: tuple[float | None, ...] = ()
    learning_rate: tuple[float | None, ...] = ()
    seconds: tuple[float, ...] = ()
    more: tuple[Mapping[str, float | None], ...] = ()

    @classmethod
    def of(cls, lineage_id: str, rows: Sequence[EpochRow]) -> LineageCurve:
        """Return the curve of epochs that are given one by one, ascending."""
        return cls(lineage_id, *list(zip(*rows, strict=True))[1:])

    @property
    def rows(self) -> list[EpochRow]:
        """Return the epochs one by one."""
        name, *columns = self
        return [EpochRow(name, *values) for values in zip(*columns, strict=True)]

    def metric(self, name: str) -> tuple[float | None, ...]:
        """Return a metric of each epoch; None where one has none of that name, or it was not finite."""
        own: Sequence[float | None] = getattr(self, name) if name in METRICS else (None,) * len(self.epoch)
        if not any(self.more):
            return tuple(own)
        return tuple(more.get(name, value) for more, value in zip(self.more, own, strict=True))

    def up_to(self, epoch: int) -> LineageCurve:
        """Return the curve of its epochs up to one, that included."""
        if not self.epoch or self.epoch[-1] <= epoch:
            return self
        end = bisect_right(self.epoch, epoch)
        return LineageCurve._make([self.lineage_id, *(column[:end] for column in self[1:])])


class LineageRow(NamedTuple):
    """Where the training of a lineage stands; `epoch` is the last one recorded, -1 before the first.

    `answered` tells whether longer trials have their answer too. A tuple, as `EpochRow` is.
    """

    lineage_id: str
    attempt: int
    epoch: int
    diverged_epoch: int | None
    launch_id: int | None
    stopped_epoch: int | None = None
    parameters: int | None = None
    macs: int | None = None

    @property
    def answered(self) -> bool:
        """Whether it diverged or stopped early, so that no more epochs will ever be trained."""
        return self.diverged_epoch is not None or self.stopped_epoch is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to train a lineage: results are accepted only under this attempt."""

    lineage_id: str
    attempt: int
    recorded_epoch: int
    target_epochs: int


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """What trained a lineage from `epoch` on; `recorded` is the last epoch that the store had by then.

    The formation of a lineage that was trained alone names no places.
    """

    lineage_id: str
    epoch: int
    recorded: int
    attempt: int
    formation: Formation


#: Versions by the names of the programs that have them: `(("gridsearch", "0.1.0"), ("Python", "3.11.7"))`.
Versions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a launch came from, None where that is not known.

    Attributes:
        command: The command line, for a shell; addresses in it have no user, password or parameters.
        commit: The git commit that was checked out where the job file lies: 40 hexadecimal digits, or 64.
        clean: Whether the files that git knows there were as committed.
        versions: With which versions it trained, by the names of the programs; empty where that is not known.
    """

    command: str | None = None
    commit: str | None = None
    clean: bool | None = None
    versions: Versions = ()


@dataclass(frozen=True, slots=True)
class LaunchRow:
    """A process that trains or trained; `pid_started`, in any unit, tells it from others of its number.

    `process_table` is where `pid` is a number in (None where that is not known), `beat` how often it has given a sign
    of life, `beat_at` when it last did, by its own clock (None before the first).
    """

    launch_id: int
    job: str
    host: str
    pid: int
    pid_started: float
    beat: int
    workers: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    process_table: str | None = None
    beat_at: datetime | None = None
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class AtWork:
    """Lineages that a worker was given together, and when one of them was last heard of."""

    launch_id: int
    lineage_ids: tuple[str, ...]
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """One change, as it was made: `kind` is what happened, `detail` its particulars as JSON values."""

    event_id: int
    at: datetime
    kind: str
    job: str | None
    lineage_id: str | None
    trial_id: str | None
    attempt: int | None
    launch_id: int | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a job's trials after an event: those whose state changed, as they are now.

    `last` is the last event that was looked at, from which to go on; `whole` whether there are no more just now.
    `revision` is the job's: with another one its grid may have other trials.
    """

    revision: int
    last: int
    trials: tuple[TrialRow, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of worker events did: how many were accepted, and how many refused as stale.

    `finished` are the trials that it completed, made diverged or failed, by lineage (in the order of the
    events) and epochs.
    """

    accepted: int
    refused: int
    finished: Sequence[TrialRow]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a trial's model, with the weights of `epoch`, did with the test images.

    `confusion` counts images, a row for each true class and a column for each predicted one, in the order of
    `class_names`. `loss` is the mean loss, of classes the cross-entropy in nats, None where it was not finite. Without
    classes there is no confusion but a number of `examples`; `metrics` are others by name, None where not finite.
    `correct` has a bit for each image, in their order, set where its class was predicted (as `numpy.packbits` makes
    them); it is empty where that is not known.
    """

    trial_id: str
    epoch: int
    loss: float | None
    class_names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    seconds: float
    examples: int = field(default=0, kw_only=True)
    metrics: Mapping[str, float | None] = field(default_factory=dict, hash=False, kw_only=True)
    correct: bytes = field(default=b"", kw_only=True)

    @property
    def images(self) -> int:
        """Return the number of test images."""
        return sum(map(sum, self.confusion)) or self.examples

    @property
    def accuracy(self) -> float | None:
        """Return the fraction of test images whose class was predicted; None without classes."""
        if not self.confusion:
            return None
        return sum(row[label] for label, row in enumerate(self.confusion)) / self.images


@dataclass(frozen=True, slots=True)
class EvaluationRow(Evaluation):
    """An evaluation as recorded."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a trial's model takes for so many images in batches of a size on a device: the median of repeats."""

    trial_id: str
    device: str
    batch_size: int
    images: int
    seconds: float
    repeats: int


@dataclass(frozen=True, slots=True)
class LatencyRow(Latency):
    """A latency as last measured."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that does not hold."""

    rule: str
    subject: str
    text: str
