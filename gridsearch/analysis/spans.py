"""What trained a lineage from its beginning to an epoch, as spans of epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridsearch.config.events import Formation
from gridsearch.store.rows import TrainingRow


@dataclass(frozen=True)
class Span:
    """Epochs `first` to `last`, epoch 0 being the measurement before the first step, in one formation."""

    first: int
    last: int
    formation: Formation


def spans(trainings: Sequence[TrainingRow], epoch: int) -> list[Span]:
    """Return what made the recorded numbers of an epoch; nothing unless that is known from epoch 0 on.

    A formation continues from the last one that had trained the epoch before its first.

    Args:
        trainings: What trained a lineage, in order.
        epoch: The epoch.
    """
    found: list[Span] = []
    last = epoch
    for row in reversed(trainings):
        # What was recorded before a formation began, another had trained.
        if row.epoch <= last and (found or row.recorded < last):
            found.insert(0, Span(row.epoch, last, row.formation))
            last = row.epoch - 1
        if last < 0:
            return found
    return []


def trained_as(found: Sequence[Span]) -> str:
    """Say what trained a lineage: `as one of 32 (concatenated)`, or of several spans each with its epochs."""
    if len({(span.formation.strategy, len(span.formation.places)) for span in found}) == 1:
        return _words(found[0])
    return ", then ".join(f"{_words(span)} to epoch {span.last}" for span in found)


def _words(span: Span) -> str:
    others = len(span.formation.places)
    return f"as one of {others} ({span.formation.strategy})" if others else "alone"
