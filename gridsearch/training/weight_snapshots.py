"""Weights of a lineage at the epochs that are some trial's reading, kept until the job knows its winners.

Checkpoints hold the last epochs only, and a trial may be an earlier one. Each file has the weights of one epoch as
safetensors behind their digest, and appears whole or not at all.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from gridsearch.atomic import write
from gridsearch.config.events import EpochRecord
from gridsearch.errors import not_writable, one_line
from gridsearch.regular_files import read_regular
from gridsearch.training.checkpoints import checked_content, with_checksum
from gridsearch.training.loop.task import LineageTask, Retention
from gridsearch.training.readings import Readings

_log = logging.getLogger(__name__)

_MODEL, _AVERAGE = "model.", "ema."
#: What stands beside the weights in their file, under a name that no state dict has: loss and accuracy.
_VALIDATION = "validation of these weights"


@dataclass(frozen=True)
class Reading:
    """Weights, and the validation loss and accuracy that were measured of them; None where that is not known."""

    weights: dict[str, Tensor]
    val_loss: float | None = None
    val_accuracy: float | None = None


def weights_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the model's state dict that is part of a member's state, with the averages of those weights that have."""
    own = {name.removeprefix(_MODEL): tensor for name, tensor in state.items() if name.startswith(_MODEL)}
    return own | {name.removeprefix(_AVERAGE): tensor for name, tensor in state.items() if name.startswith(_AVERAGE)}


class ReadingFolder:
    """The weights kept of one lineage, one file per epoch."""

    def __init__(self, root: Path, lineage_id: str) -> None:
        self.root, self.folder = root, root / lineage_id

    def save(self, record: EpochRecord, weights: Mapping[str, Tensor]) -> None:
        """Write the weights of an epoch; `StorageError` when the disk does not take them."""
        validation = torch.tensor([record.val_loss, record.val_accuracy], dtype=torch.float64)
        # Tied weights are several names for one tensor, which safetensors refuses: each gets its own.
        content = safetensors.torch.save(
            {name: tensor.contiguous().clone() for name, tensor in weights.items()} | {_VALIDATION: validation}
        )
        try:
            write(self.folder / str(record.epoch), with_checksum(content), durable=False)
        except OSError as error:
            raise not_writable("weights", self.root, error) from error

    def load(self, epoch: int) -> Reading | None:
        """Return the weights of an epoch, or None where they are not there or damaged."""
        try:
            content = checked_content(read_regular(self.folder / str(epoch)))
            if content is None:
                raise ValueError("they are cut short or damaged")
            tensors = safetensors.torch.load(content)
            validation = tensors.pop(_VALIDATION, None)
            return Reading(tensors, *(() if validation is None else validation.tolist()))
        except FileNotFoundError:
            return None
        except (OSError, MemoryError, SafetensorError, ValueError, TypeError) as error:
            _log.info("the weights %s cannot be used: %s", self.folder / str(epoch), one_line(error))
            return None

    def drop(self, epoch: int) -> None:
        """Remove the weights of an epoch, if they are there."""
        (self.folder / str(epoch)).unlink(missing_ok=True)

    def keep_only(self, epochs: Collection[int]) -> None:
        """Remove the weights of all other epochs; the folder too when nothing is left."""
        if not epochs:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for file in self.folder.glob("*"):
            if file.name not in map(str, epochs):
                file.unlink(missing_ok=True)


class ReadingKeeper:
    """Saves the weights of those epochs of a lineage that are a trial's reading, or may turn out to be."""

    def __init__(self, task: LineageTask, retention: Retention, history: Sequence[EpochRecord]) -> None:
        self.folder = ReadingFolder(retention.folder, task.lineage_id)
        self.readings = Readings(task, retention.objective, history)

    def after_epoch(self, history: Sequence[EpochRecord], state: Mapping[str, Tensor]) -> None:
        """Save the weights of the last epoch if they may be a trial's, and remove those that it has made worthless."""
        read, worthless = self.readings.take(history)
        if read:
            self.folder.save(history[-1], weights_of(state))
        if worthless is not None:
            self.folder.drop(worthless)
