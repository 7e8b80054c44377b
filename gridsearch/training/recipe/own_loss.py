"""The criterion of a configuration, a loss of the user's built from its code and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from gridsearch.config.losses import is_own
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import ModelError
from gridsearch.models.own_loss import build_loss, find_loss
from gridsearch.training.recipe.criterion import Criterion


def criterion_of(
    config: TrialConfig, search: Sequence[Path], num_classes: int, device: torch.device, dtype: torch.dtype
) -> Criterion:
    """Return what a configuration minimises, on a device; a loss of the user's keeps nothing of earlier calls.

    Raises:
        ModelError: The loss is not found or cannot be built, or its source is not what the trial was planned with.
    """
    if not is_own(config.loss):
        return Criterion(config.loss)
    found = find_loss(config.loss, search)
    if found.code != config.loss_code:
        raise ModelError(f"the source of loss {config.loss!r} changed since this trial was planned; launch again")
    return Criterion(config.loss, build_loss(found, config.loss_hyper, num_classes=num_classes).to(device, dtype))
