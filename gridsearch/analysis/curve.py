"""The metrics of one trial over its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curve:
    """The metrics of one trial per epoch.

    Attributes:
        trial: The trial's id.
        group: What it is among others: `best`, `runner-up`, `median`, ..., or the value it represents.
        rank: Its place in the ranking, from 1.
        score: What ranked it; None without a score.
        settings: Its axes as text.
        epochs: The epochs; 0 is the untrained model.
        values: By metric its values, one for each epoch; None where it was not recorded or is not finite.
        diverged_epoch: The epoch in which it diverged, if it did.
        overfit_epoch: The epoch of the lowest validation loss, if that rises from there while the training loss falls
            (`measures.py`).
        of_point: As in `Standing`.
        repeat: As in `Standing`.
    """

    trial: str
    group: str
    rank: int
    score: float | None
    settings: tuple[tuple[str, str], ...]
    epochs: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    diverged_epoch: int | None
    overfit_epoch: int | None
    of_point: str = ""
    repeat: tuple[tuple[str, str], ...] = ()

    def metric(self, name: str) -> tuple[float | None, ...]:
        """Return a metric of each epoch; None in all of them where it was never recorded."""
        return self.values.get(name) or (None,) * len(self.epochs)

    def known(self, name: str) -> list[tuple[int, float]]:
        """Return the epochs in which a metric has a value, each with that."""
        pairs = zip(self.epochs, self.metric(name), strict=True)
        return [(epoch, value) for epoch, value in pairs if value is not None]
