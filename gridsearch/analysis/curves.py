"""The curves of trials over their epochs: of the best, the median and the worst, and of any other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsearch.analysis.frames import OVER, JobData
from gridsearch.analysis.measures import overfit_epoch, own_epochs
from gridsearch.analysis.ranking import ranked
from gridsearch.store.rows import EpochRow

MOST_PER_GROUP = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """The losses and accuracies of one trial per epoch, epoch 0 being the untrained model; not finite: None.

    `rank` counts from 1, the best; `settings` are its axes, as text. `lowest_epoch` is where the validation
    loss was lowest; `overfit_epoch` is the same where it rises from there on while the training loss falls.
    """

    trial: str
    group: str
    rank: int
    score: float | None
    settings: tuple[tuple[str, str], ...]
    epochs: tuple[int, ...]
    train_loss: tuple[float | None, ...]
    val_loss: tuple[float | None, ...]
    train_accuracy: tuple[float | None, ...]
    val_accuracy: tuple[float | None, ...]
    diverged_epoch: int | None
    lowest_epoch: int | None
    overfit_epoch: int | None


@dataclass(frozen=True, slots=True)
class Curves:
    """Up to three curves each; no trial stands in two groups. `total` is the number of ranked trials."""

    best: tuple[Curve, ...]
    median: tuple[Curve, ...]
    worst: tuple[Curve, ...]
    total: int

    @property
    def groups(self) -> tuple[tuple[str, tuple[Curve, ...]], ...]:
        """Return the groups that have curves, with their names."""
        named = (("best", self.best), ("median", self.median), ("worst", self.worst))
        return tuple((name, curves) for name, curves in named if curves)


def curves(data: JobData) -> Curves:
    """Return the loss curves of the best, median and worst trials that have a result; needs the epochs."""
    order = ranked(data)
    kept = order[order[OVER] == ""] if OVER in order else order
    scored = int(kept["score"].notna().sum())
    records = order.to_dict("records")
    groups = {
        name: curves_of(data, records, range(*bounds), name) for name, bounds in _bounds(len(order), scored).items()
    }
    return Curves(**groups, total=len(order))


def curves_of(
    data: JobData, ranking: Sequence[Mapping[Any, Any]], places: Sequence[int], group: str
) -> tuple[Curve, ...]:
    """Return the curves of the trials at these places of a ranking, the rows of `ranked` as mappings."""
    rows = {row.trial_id: row for row in data.rows}
    chosen = [rows[ranking[place]["trial"]] for place in places]
    own = own_epochs(chosen, data.epoch_rows)
    return tuple(
        _curve(data, ranking[place], epochs, (group, place + 1)) for place, epochs in zip(places, own, strict=True)
    )


def _bounds(count: int, scored: int) -> dict[str, tuple[int, int]]:
    """Return where the three groups start and stop in the ranking: as many each as fit without an overlap.

    Only trials with a score, within the constraints, can be the best; where none has one, all that is
    shown are the worst.
    """
    size = min(MOST_PER_GROUP, max(1, count // 3))
    middle = (count - size) // 2
    return {
        "best": (0, min(size, scored)),
        "median": (middle, middle + size) if scored and count >= 3 else (0, 0),
        "worst": (count - size, count) if count >= 2 or scored < count else (0, 0),
    }


def _curve(data: JobData, row: Mapping[Any, Any], own: Sequence[EpochRow], place: tuple[str, int]) -> Curve:
    val = tuple(_finite(epoch.val_loss) for epoch in own)
    finite = [(value, epoch.epoch) for value, epoch in zip(val, own, strict=True) if value is not None]
    return Curve(
        trial=row["trial"],
        group=place[0],
        rank=place[1],
        score=_finite(row["score"]),
        settings=data.settings_texts(row),
        epochs=tuple(epoch.epoch for epoch in own),
        train_loss=tuple(_finite(epoch.train_loss) for epoch in own),
        val_loss=val,
        train_accuracy=tuple(_finite(epoch.train_accuracy) for epoch in own),
        val_accuracy=tuple(_finite(epoch.val_accuracy) for epoch in own),
        diverged_epoch=None if pd.isna(row["diverged_epoch"]) else int(row["diverged_epoch"]),
        lowest_epoch=min(finite)[1] if finite else None,
        overfit_epoch=overfit_epoch(own),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
