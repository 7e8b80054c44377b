"""The contract between the driver, which decides and records, and an executor, which has workers train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gridsearch.config.events import LineagePlaced, WorkerEvent
from gridsearch.config.trial import PretrainedFiles, SplitKey
from gridsearch.data.splits import SplitDataset
from gridsearch.training.distillation import TeacherFile
from gridsearch.training.loop.task import Pack, Retention


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker of a launch needs, besides packs: data by how it is divided, folders, device, threads.

    `pretrained` are files of weights to start from, `teachers` trained models by their trials' ids.
    `patience` is how many seconds a worker may be silent, None for ever; in this process nobody can keep it.
    """

    splits: dict[SplitKey, SplitDataset]
    num_classes: int
    checkpoints: Path
    model_search: tuple[Path, ...]
    device: str
    threads: int
    retention: Retention | None = None
    pretrained: PretrainedFiles = field(default_factory=dict)
    teachers: Mapping[str, TeacherFile] = field(default_factory=dict)
    patience: float | None = None


class TaskQueue(Protocol):
    """Where an executor gets packs and brings what happens; implemented by the driver, called from one thread."""

    def next_pack(self) -> Pack | None:
        """Return the next pack, its lineages claimed for this launch; None when none is left, or `held_up`."""

    def held_up(self) -> bool:
        """Return whether another program keeps the store locked, so that a pack may come although there was none."""

    def record(self, events: Sequence[WorkerEvent]) -> None:
        """Record what workers report; later, where the store is locked."""

    def tick(self) -> None:
        """Look after what is not training; called now and then, and never while an epoch is timed."""

    def crashed(self, pack: Pack, reason: str, *, silent: bool = False) -> None:
        """Learn that the worker of a pack died, or was ended for its silence; what it left may be handed out again."""

    def stopping(self) -> bool:
        """Return whether to stop: hand out nothing, stop the workers, return. It only asks, and may be asked often."""


def opens_formation(event: WorkerEvent) -> bool:
    """Whether an event is the last that tells of a formation; the queue learns of it before it is at work.

    Checkpoints do not say what trained them, so epochs must not come to be before the store knows; and from then on a
    worker is silent.
    """
    if not isinstance(event, LineagePlaced):
        return False
    places = event.formation.places
    return not places or places[-1].lineage_id == event.lineage_id


class Executor(Protocol):
    """Has packs trained until the queue has none left or wants to stop."""

    def __enter__(self) -> Self:
        """Start the workers."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers; none is left behind."""

    def run(self, queue: TaskQueue) -> None:
        """Train packs from the queue; may be called again when the queue has more."""
