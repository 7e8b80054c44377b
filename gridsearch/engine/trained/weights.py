"""Weights of trained trials as files for anyone: a state dict for plain torch, and beside it what it belongs to."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gridsearch.atomic import write
from gridsearch.config.identity import parse
from gridsearch.config.metrics import finite_or_none, metric_of, names_in
from gridsearch.config.record import Numbers
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import StorageError, one_line
from gridsearch.models.registry import MODELS, find_model
from gridsearch.output_places import why_not
from gridsearch.regular_files import read_regular
from gridsearch.store.rows import EpochRow, JobRow, TrialRow
from gridsearch.training.recipe.normalization import Normalizer
from gridsearch.version import __version__

_log = logging.getLogger(__name__)


def preprocessing(precision: str, numbers: Numbers | None) -> str:
    """Say what is done to pixels, or to `numbers` that are none, before anything else."""
    number = "float64" if precision == "float64" else "float32"
    if numbers:
        return f"numbers as they are, as {'int64' if numbers.whole else number}, shape (batch, ...)"
    return f"pixels / 255 as {number}, shape (batch, channels, height, width)"


#: Where weights may come from.
KEPT, AGAIN = "kept when it was trained", "trained again"
#: How far apart, relatively, two validation losses may be for float noise.
NOISE = 1e-4


@dataclass(frozen=True)
class Validation:
    """The validation loss and accuracy that were measured of weights themselves."""

    val_loss: float
    val_accuracy: float | None

    def is_of(self, epoch: EpochRow) -> bool:
        """Whether it is what is recorded of an epoch: the loss but for noise, and as many images right."""
        return (
            self.val_accuracy == epoch.val_accuracy
            and epoch.val_loss is not None
            and math.isclose(self.val_loss, epoch.val_loss, rel_tol=NOISE, abs_tol=1e-9)
        )


@dataclass(frozen=True)
class Kept:
    """A trial's weights, those of `epoch`, what they belong to, how they came to be, and what was measured of them."""

    job: JobRow
    row: TrialRow
    epoch: EpochRow
    weights: Mapping[str, Tensor]
    normalizer: Normalizer | None
    validation: Validation | None = None
    origin: str = KEPT


def write_weights(file: Path, kept: Kept) -> None:
    """Write a trial's weights and, beside them, their description.

    `torch.load(file, weights_only=True)` gives the state dict of the model's ordinary class. Raises `StorageError`
    when the disk does not take them.
    """
    buffer = io.BytesIO()
    torch.save({name: tensor.detach().cpu().clone() for name, tensor in kept.weights.items()}, buffer)
    content = buffer.getvalue()
    described = _description(kept) | {"sha256": hashlib.sha256(content).hexdigest()}
    try:
        write(file, content)
        # Last: weights count as kept where their description is there.
        write(file.with_suffix(".json"), (json.dumps(described, indent=2) + "\n").encode())
    except OSError as error:
        raise _not_writable(file, error) from error


def require_writable(file: Path) -> None:
    """Raise `StorageError` where weights could not be written to a file: before they are trained for it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise _not_writable(file, error) from error


def _not_writable(file: Path, error: OSError) -> StorageError:
    reason, _ = why_not(file, error)
    mend = "move that" if reason.endswith("not a folder") else "free some space or check the folder's permissions"
    return StorageError(
        f"weights in {file.parent} cannot be written: {reason}; {mend}, then run the same command again"
    )


def has_weights(file: Path, trial_id: str, epoch: int | None) -> bool:
    """Whether a file has a trial's weights of an epoch."""
    described = _described(file, trial_id)
    return described is not None and described.get("epoch") == epoch


def read_weights(file: Path, trial_id: str, epoch: int) -> dict[str, Tensor] | None:
    """Return a trial's weights from a file, or None where there are none, or not sound ones, of that epoch."""
    described = _described(file, trial_id)
    if described is None or described.get("epoch") != epoch:
        return None
    try:
        content = read_regular(file)
        if hashlib.sha256(content).hexdigest() != described.get("sha256"):
            raise ValueError("it is not what its description says")
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if not (isinstance(found, dict) and all(isinstance(value, Tensor) for value in found.values())):
            raise ValueError("it is not a state dict")
    except Exception as error:  # readers raise whatever damaged bytes lead them to; code in them is never run
        _log.info("the weights in %s cannot be used: %s", file, one_line(error))
        return None
    return dict(found)


def own_validation(file: Path, trial_id: str) -> Validation | None:
    """Return what was measured of a trial's weights in a file themselves, where that stands beside them."""
    told = (_described(file, trial_id) or {}).get("validation")
    if not isinstance(told, dict):
        return None
    loss, accuracy = told.get("val_loss"), told.get("val_accuracy")
    fits = isinstance(loss, float) and (accuracy is None or isinstance(accuracy, float))
    return made_validation(float(loss or 0.0), accuracy) if fits else None


def made_validation(loss: float, accuracy: float | None) -> Validation:
    """Return what was measured; an accuracy that is no number, as there are no classes, is None."""
    return Validation(loss, None if accuracy is None else finite_or_none(accuracy))


def _described(file: Path, trial_id: str) -> dict[str, Any] | None:
    """Return what a file of weights is said to be, or None where that is nothing or of another trial."""
    try:
        found: dict[str, Any] = json.loads(read_regular(file.with_suffix(".json")))
    except FileNotFoundError:
        return None
    except (OSError, MemoryError, ValueError, RecursionError) as error:
        _log.info("the description of %s cannot be read: %s", file, one_line(error))
        return None
    return found if file.exists() and isinstance(found, dict) and found.get("trial") == trial_id else None


def _description(kept: Kept) -> dict[str, Any]:
    record, row = kept.job.record, kept.row
    config = parse(row.config)
    shape, numbers = record.example(config.dataset)
    return {
        "trial": row.trial_id,
        "gridsearch": __version__,
        "model": config.model,
        "hyper": record.defaults(config.model) | _implied(config) | config.hyper,
        "image_shape": shape,
        "classes": record.classes,
        "class_names": list(record.class_names),
        "dataset": record.dataset,
        "fingerprint": config.dataset,
        "preprocessing": _preprocessing(config, kept.normalizer, numbers),
        "config": config.model_dump(mode="json"),
        "epoch": kept.epoch.epoch,
        "parameters": row.parameters,
        # As the store has them; what these very weights were seen to do stands below.
        "metrics": {name: metric_of(kept.epoch, name) for name in names_in([kept.epoch])},
        "validation": asdict(kept.validation) if kept.validation else None,
        "origin": kept.origin,
    }


def _implied(config: TrialConfig) -> dict[str, Any]:
    """Return the settings that the version of the recipe stands for: so the model can be built from `hyper` alone."""
    return find_model(config.model).implied(config.version) if config.model in MODELS else {}


def _preprocessing(config: TrialConfig, normalizer: Normalizer | None, numbers: Numbers | None) -> dict[str, Any]:
    """Return what is done to pixels before the model sees them; by channel with the numbers that it takes."""
    told: dict[str, Any] = {"pixels": preprocessing(config.precision, numbers), "normalization": config.normalization}
    if normalizer and normalizer.mean is not None and normalizer.std is not None:
        told |= {"mean": normalizer.mean.flatten().tolist(), "std": normalizer.std.flatten().tolist()}
    return told
