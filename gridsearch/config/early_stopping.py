"""Which epoch a training ends with and which one its numbers are read at: functions of its history alone.

So every reader of a history comes to the same answer: the worker that trains, the store that records, the analysis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def best_epoch(val_losses: Sequence[float | None]) -> int:
    """Return the epoch of the lowest validation loss, the earliest of equals.

    `val_losses[0]` is of the untrained model, which is the answer only where nothing was trained.
    """
    trained = [math.inf if loss is None or math.isnan(loss) else loss for loss in val_losses[1:]]
    return 1 + trained.index(min(trained)) if trained else 0


def stopping_epoch(patience: int, val_losses: Sequence[float | None]) -> int | None:
    """Return the epoch after which early stopping ends a training.

    Args:
        patience: The training ends when the lowest validation loss is this many epochs old; 0 for never.
        val_losses: The validation losses so far, the untrained model's first; None for one that is not finite.

    Returns:
        None while the training continues.
    """
    if not patience:
        return None
    lowest, since = math.inf, 0
    for epoch, loss in enumerate(val_losses[1:], start=1):
        if loss is not None and loss < lowest:
            lowest, since = loss, epoch
        elif epoch - since >= patience:
            return epoch
    return None
