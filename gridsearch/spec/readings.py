"""Which epoch's weights are a trial's: the one answer for who saves them, who keeps them and who trains them again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gridsearch.spec.job import Objective
from gridsearch.spec.stopping import best_epoch, stopping_epoch
from gridsearch.spec.trial import TrialConfig


def reading_epoch(config: TrialConfig, objective: Objective, history: Sequence[Any]) -> int | None:
    """Return the epoch whose weights are the trial's, as far as its history tells; None while that is to come.

    `history` holds the lineage's epochs so far, epoch e at place e, as records or rows. Under an objective `at: last`
    that is the trial's last epoch, or with `restore_best` the one with the lowest validation loss; under `at: best`
    the first of its epochs with the best metric, epoch 0 aside. A later epoch may yet beat a best one.
    """
    losses = [row.val_loss for row in history[: config.epochs + 1]]
    stop = stopping_epoch(config.early_stopping, losses)
    last = len(losses) - 1 if stop is None else stop
    if objective.at == "last":
        if config.restore_best:
            return best_epoch(losses[: last + 1]) or None
        return last if stop is not None or last == config.epochs else None
    scores = [(_score(getattr(row, objective.metric), objective), row.epoch) for row in history[1 : last + 1]]
    best, epoch = max(scores, key=lambda pair: pair[0], default=(-math.inf, None))
    return None if best == -math.inf else epoch


def _score(value: float | None, objective: Objective) -> float:
    """Return a metric so that higher is better; what is no number is worst."""
    if value is None or not math.isfinite(value):
        return -math.inf
    return value if objective.direction == "max" else -value
