"""What a worker is asked to do, and what it needs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gridsearch.config.events import StrategyMeasured
from gridsearch.config.sections import Objective
from gridsearch.config.trial import PretrainedFiles, TrialConfig
from gridsearch.training.arrays import DeviceArrays
from gridsearch.training.distillation import Teacher
from gridsearch.training.recipe.losses import Targets


@dataclass(frozen=True)
class LineageTask:
    """Train one lineage up to `config.epochs`, under the claim's attempt; epochs up to `recorded_epoch` are known.

    `readings` are the numbers of epochs of the lineage's trials whose weights may be wanted, ascending.
    """

    lineage_id: str
    attempt: int
    config: TrialConfig
    recorded_epoch: int
    readings: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pack:
    """What a worker is given at once: groups of lineages, each meant to be trained as one, one group after another.

    `measured` is what is remembered of strategies of training (see `stacking/autotune.py`).
    """

    groups: tuple[tuple[LineageTask, ...], ...]
    measured: tuple[StrategyMeasured, ...] = ()

    @property
    def tasks(self) -> tuple[LineageTask, ...]:
        """Return the lineages of all groups."""
        return tuple(task for group in self.groups for task in group)


@dataclass(frozen=True)
class Retention:
    """Where the weights of trials are put while a job is trained, and the objective that says which epoch's."""

    folder: Path
    objective: Objective


@dataclass(frozen=True)
class WorkerContext:
    """Where training happens: data on a device, folders, a teacher if there is one, and how to learn to stop.

    `pretrained` are the files of weights to start from.
    Without `retention` no weights are kept but those in checkpoints. `objective` says at which epochs trials are read;
    None where nobody wants to know what images were right there.
    """

    device: torch.device
    train: DeviceArrays
    validation: DeviceArrays
    num_classes: int
    checkpoints: Path
    model_search: tuple[Path, ...] = ()
    stop: Callable[[], bool] = lambda: False
    teacher: Teacher | None = None
    pretrained: PretrainedFiles = field(default_factory=dict)
    retention: Retention | None = None
    objective: Objective | None = None

    def targets(self, part: Tensor, pixels: Tensor, *, changed: bool = False) -> Targets:
        """Return the targets for the training images `part` (n,), whose pixels (n, C, H, W) may have been changed."""
        labels = self.train.labels[part]
        if self.teacher is None:
            return Targets(labels)
        if changed:
            return self.teacher.targets(labels, pixels)
        return self.teacher.known_targets(self.train, part)


class StopRequestedError(Exception):
    """Training was asked to stop; the last checkpoint is where it goes on."""
