"""What a worker reports about a lineage, and the states a trial goes through.

These values cross every boundary (worker process, driver, store), so they hold only plain numbers and text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TrialState(StrEnum):
    """The life of a trial.

    Pending and running trials are open; completed, stopped and diverged ones have their result for good; failed and
    cancelled ones are trained again only when the user asks for it.
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: States whose numbers are results; such a trial is never trained again and its row never changes.
RESULT_STATES = frozenset({TrialState.COMPLETED, TrialState.STOPPED, TrialState.DIVERGED})
#: States in which a trial has a score. A diverged trial is a result too, but its numbers mean nothing.
SCORED_STATES = RESULT_STATES - {TrialState.DIVERGED}
#: States that a launch goes on from without being asked.
OPEN_STATES = frozenset({TrialState.PENDING, TrialState.RUNNING})

#: How many trials' weights are kept when all are.
EVERY_TRIAL = 2**62


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch of one lineage; epoch 0 is the untrained model, measured before the first step.

    Losses are means, cross-entropies in nats, accuracies fractions in [0, 1], NaN without classes, `seconds` wall time
    of the epoch, evaluation included. A loss may be NaN or infinite in the last record of a lineage that diverged.
    `more` are metrics by other names. `correct` has a bit for each validation image, in their order, set where its
    class was predicted (as `numpy.packbits` makes them); it is empty in epochs that no trial is read at, and without
    classes.
    """

    lineage_id: str
    attempt: int
    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    more: Mapping[str, float] = field(default_factory=dict, hash=False)
    correct: bytes = b""


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One epoch of a lineage that our own loop does not train: whatever was measured, by name.

    A metric may be NaN or infinite. Epoch 0 is before the first, and nothing may have been measured then.
    """

    lineage_id: str
    attempt: int
    epoch: int
    metrics: Mapping[str, float] = field(hash=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class LineageFinished:
    """A lineage reached the last epoch it was asked for."""

    lineage_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class LineageStopped:
    """Early stopping ended a lineage after `epoch`, its last one recorded; its longer trials stop there too."""

    lineage_id: str
    attempt: int
    epoch: int


@dataclass(frozen=True, slots=True)
class LineageDiverged:
    """A loss of a lineage stopped being finite during `epoch`; its longer trials share that fate."""

    lineage_id: str
    attempt: int
    epoch: int


@dataclass(frozen=True, slots=True)
class LineageFailed:
    """Training raised, or its worker died; `error` is one line, `traceback` the whole text for the log."""

    lineage_id: str
    attempt: int
    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large a model is: its parameters, and the multiplications that one image takes (see `models.layers`)."""

    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class StrategyMeasured:
    """How long a step of `models` models took on a machine by one strategy: trained as one, or "alone" one by one.

    `workload` is a digest of what decides it (models, batch, optimiser, images); `seconds` is for all models, None
    where the memory did not hold them.
    """

    machine: str
    workload: str
    strategy: str
    models: int
    batch_size: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """A lineage's place in a formation: the first epoch that it had still to do, and the last it was asked for."""

    lineage_id: str
    epoch: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Formation:
    """What trains lineages: a strategy, who is in it in which order, and on what.

    `strategy` is one of those that train several as one, or "alone": then nobody has a place. `device` is the kind of
    GPU or processor. Trainings in equal formations give equal numbers, bit by bit.
    """

    strategy: str
    device: str
    threads: int
    torch: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class LineagePlaced:
    """From `epoch` on, its next, a lineage is trained in a formation."""

    lineage_id: str
    attempt: int
    epoch: int
    formation: Formation


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a worker wrote to its log: the logger's name, the level as `logging` counts them, and a line."""

    logger: str
    level: int
    text: str


LineageEvent = (
    EpochRecord | EpochMetrics | LineagePlaced | LineageFinished | LineageStopped | LineageDiverged | LineageFailed
)
WorkerEvent = LineageEvent | StrategyMeasured | LogLine
