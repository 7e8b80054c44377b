"""What a trial's epochs tell about it: where it began, from when on it overfits, what an epoch and a step cost."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from statistics import median
from typing import Any, TypeGuard

from gridsearch.config.batches import KEEP, LastBatch, steps_of_epoch
from gridsearch.store.rows import LineageCurve

#: Columns of the trials that are computed from their epochs, which must have been read for them.
MEASURES = ("initial_val_loss", "overfit_epoch", "seconds_per_epoch", "ms_per_step")
#: Those that the times of the epochs tell: what timings are made of.
TIMES = ("seconds_per_epoch", "ms_per_step")
#: The metrics that some of them are told by.
_TOLD_BY = {"initial_val_loss": {"val_loss"}, "overfit_epoch": {"train_loss", "val_loss"}}
#: Overfitting is believed when it has lasted so many epochs and come to this share of the lowest validation loss.
_LASTING, _RISE = 5, 0.05


def measures_in(*words: str) -> list[str]:
    """Return the measures that any of these column names or expressions speaks of."""
    return [name for name in MEASURES if any(name in word for word in words)]


def measures_for(metrics: Collection[str], *, own: bool) -> tuple[str, ...]:
    """Return the measures that trials with these metrics can have; of the user's `own` nobody counts the steps."""
    told = (name for name in MEASURES if _TOLD_BY.get(name, set()) <= set(metrics))
    return tuple(name for name in told if not (own and name == "ms_per_step"))


def initial_val_loss(own: LineageCurve) -> float | None:
    """Return the validation loss before the first step, about ln K for K balanced classes; None where unknown."""
    return own.metric("val_loss")[0] if own.epoch and own.epoch[0] == 0 else None


def overfit_epoch(own: LineageCurve) -> int | None:
    """Return the epoch from which the validation loss rises while the training loss goes on falling, or None.

    It is the epoch of the lowest validation loss, provided that at least five epochs follow and that in each of the
    last five the validation loss lies at least 5 % above its lowest and the training loss below what it was then. For
    these two each loss is taken as the median of three neighbouring epochs: one odd epoch does not make a training
    overfit, nor hide that it does. Epochs whose losses are not finite do not count.
    """
    losses = zip(own.epoch, own.metric("train_loss"), own.metric("val_loss"), strict=True)
    finite = [(epoch, train, val) for epoch, train, val in losses if is_finite(train) and is_finite(val)]
    train, val = _smooth([train for _, train, _ in finite]), _smooth([val for _, _, val in finite])
    place = min(range(len(val)), key=lambda index: finite[index][2], default=0)
    if len(val) - 1 - place < _LASTING:
        return None
    rises = min(val[-_LASTING:]) >= (1 + _RISE) * min(val)
    falls = max(train[-_LASTING:]) < train[place]
    return finite[place][0] if rises and falls else None


def seconds_per_epoch(own: LineageCurve) -> float | None:
    """Return the median time of the epochs trained, evaluation included; None before the first."""
    trained = own.seconds[bisect_left(own.epoch, 1) :]
    return median(trained) if trained else None


def measures_of(
    own: LineageCurve,
    names: Sequence[str] = MEASURES,
    *,
    images: int | None,
    batch_size: int | None,
    last_batch: LastBatch = KEEP,
) -> list[Any]:
    """Return measures of a trial by their names, in that order; None where its epochs are not enough to tell.

    Args:
        own: The trial's epochs.
        names: Which measures.
        images: The number of training images.
        batch_size: Images per step.
        last_batch: What becomes of images that fill no batch. A step's time is an epoch's divided by the steps in it
            (`config/batches.py`), so it includes a share of the evaluation.
    """
    found: dict[str, Any] = {}
    if "initial_val_loss" in names:
        found["initial_val_loss"] = initial_val_loss(own)
    if "overfit_epoch" in names:
        found["overfit_epoch"] = overfit_epoch(own)
    if not found.keys() >= set(names):
        found["seconds_per_epoch"] = seconds = seconds_per_epoch(own)
        steps = steps_of_epoch(images, batch_size, last_batch) if images and batch_size else 0
        found["ms_per_step"] = 1000 * seconds / steps if seconds is not None and steps else None
    return [found[name] for name in names]


def _smooth(values: Sequence[float]) -> list[float]:
    return [median(values[max(0, place - 1) : place + 2]) for place in range(len(values))]


def is_finite(value: float | None) -> TypeGuard[float]:
    """Whether there is a value, and it is neither infinite nor NaN."""
    return value is not None and math.isfinite(value)
