"""Which epoch's numbers, and weights, are a trial's: the one answer for who trains, stores, ranks, keeps and evaluates.

What a store records of a trial does not depend on a job (`recorded_epoch`): one trial may be in several. What a job
ranks it by, and whose weights it has, is `reading_epoch`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gridsearch.config.early_stopping import best_epoch, stopping_epoch
from gridsearch.config.metrics import metric_of
from gridsearch.config.sections import Objective
from gridsearch.config.trial import TrialConfig


def last_epoch(epochs: int, stopped_epoch: int | None) -> int:
    """Return the last epoch of a trial that did not diverge: its own, or the one that its lineage stopped after."""
    return epochs if stopped_epoch is None else min(epochs, stopped_epoch)


def recorded_epoch(val_losses: Sequence[float | None], *, restore_best: bool) -> int:
    """Return the epoch whose numbers a trial has: its last, or with `restore_best` that of the lowest validation loss.

    `val_losses` are those of its epochs, the untrained model's first.
    """
    return best_epoch(val_losses) if restore_best else len(val_losses) - 1


def scored_epoch(objective: Objective, own: Sequence[Any]) -> Any | None:
    """Return that of a trial's epochs, as records or rows, that an objective `at: best` reads; None where none counts.

    It is the first of those with the best metric, the untrained model's (epoch 0) aside.
    """
    ranked = [(objective.rank(metric_of(row, objective.metric)), row) for row in own if row.epoch >= 1]
    best, found = max(ranked, key=lambda pair: pair[0], default=(-math.inf, None))
    return None if best == -math.inf else found


def reading_epoch(config: TrialConfig, objective: Objective, history: Sequence[Any]) -> int | None:
    """Return the epoch whose weights are the trial's, as far as its history tells; None while that is to come.

    `history` holds the lineage's epochs so far, epoch e at place e, as records or rows. Under an objective `at: last`
    that is the trial's last epoch, or with `restore_best` the one with the lowest validation loss; under `at: best`
    the first of its epochs with the best metric, epoch 0 aside. A later epoch may yet beat a best one.
    """
    losses = [row.val_loss for row in history[: config.epochs + 1]]
    stop = stopping_epoch(config.early_stopping, losses)
    last = len(losses) - 1 if stop is None else stop
    if objective.at == "best":
        found = scored_epoch(objective, history[: last + 1])
        return None if found is None else int(found.epoch)
    if config.restore_best:
        return recorded_epoch(losses[: last + 1], restore_best=True) or None
    return last if stop is not None or last == config.epochs else None
