"""The contract between the driver, which decides and records, and an executor, which has workers train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gridsearch.config.command import Command
from gridsearch.config.events import LineagePlaced, WorkerEvent
from gridsearch.config.sections import Objective
from gridsearch.config.trial import PretrainedFiles, SplitKey
from gridsearch.data.splits import SplitDataset
from gridsearch.training.distillation import TeacherFile
from gridsearch.training.loop.task import Pack, Retention


@dataclass(frozen=True)
class CommandPlace:
    """A command of the user's, and where it is run.

    Attributes:
        command: The command.
        folder: The folder to run it in.
        runs: The folder of the job's trials' folders.
        store: The store's file.
    """

    command: Command
    folder: Path
    runs: Path
    store: Path


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker of a launch needs, besides packs.

    Attributes:
        splits: The images, by the division that a trial sees.
        num_classes: The number of classes K.
        checkpoints: The folder of the store's checkpoints.
        model_search: Folders in which the user's modules are looked for.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads per worker.
        retention: Which weights workers keep for the winners; None to keep none.
        objective: What ranks the trials, which says at which epochs it is kept what images were right.
        pretrained: Files of weights to start from.
        teachers: Trained models by their trials' ids.
        own_logs: Where a training of the user's own has its logs; None for our own loop, which needs `splits`.
        command: What trains, where that is a command of the user's.
        patience: How many seconds a worker may be silent; None for no limit. `InlineExecutor` does not enforce it; of
            commands their worker does, wherever it is.
    """

    splits: dict[SplitKey, SplitDataset]
    num_classes: int
    checkpoints: Path
    model_search: tuple[Path, ...]
    device: str
    threads: int
    retention: Retention | None = None
    objective: Objective | None = None
    pretrained: PretrainedFiles = field(default_factory=dict)
    teachers: Mapping[str, TeacherFile] = field(default_factory=dict)
    patience: float | None = None
    own_logs: Path | None = None
    command: CommandPlace | None = None


class TaskQueue(Protocol):
    """Where an executor gets packs and reports events; implemented by the driver, called from one thread."""

    def next_pack(self) -> Pack | None:
        """Return the next pack, its lineages claimed for this launch; None if none is left, or while `held_up`."""

    def held_up(self) -> bool:
        """Return whether another program locks the store, so that a pack may come although there was none."""

    def record(self, events: Sequence[WorkerEvent]) -> None:
        """Record what workers report; later, while the store is locked."""

    def tick(self) -> None:
        """Do the periodic work besides training; called now and then, and never while an epoch is timed."""

    def crashed(self, pack: Pack, reason: str, *, silent: bool = False) -> None:
        """Report that the worker of a pack died; what it left may be handed out again.

        Args:
            pack: What the worker was training.
            reason: The cause; its first line is shown, the rest goes to the log.
            silent: Whether the worker was stopped because it was silent for longer than `WorkerSettings.patience`.
        """

    def stopping(self) -> bool:
        """Return whether to stop: hand out nothing, stop the workers, return. It may be asked often."""


def opens_formation(event: WorkerEvent) -> bool:
    """Return whether an event is the last that describes a formation; the queue must have it before training starts.

    Checkpoints do not say what trained them, so no epoch may exist before the store knows the formation; and from then
    on a worker is silent until its first epoch ends.
    """
    if not isinstance(event, LineagePlaced):
        return False
    places = event.formation.places
    return not places or places[-1].lineage_id == event.lineage_id


class Executor(Protocol):
    """Trains packs on some workers until the queue has none left or wants to stop."""

    def __enter__(self) -> Self:
        """Start the workers."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers; none is left behind."""

    def run(self, queue: TaskQueue) -> None:
        """Train packs from the queue until it returns none; may be called again when the queue has more."""
