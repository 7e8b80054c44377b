"""How many trainings of the user's a worker is given at once: those that take a moment are bundled."""

from __future__ import annotations

from collections.abc import Iterable

from gridsearch.config.events import (
    EpochMetrics,
    LineageDiverged,
    LineageEvent,
    LineageFailed,
    LineageFinished,
    LineageStopped,
)

#: Handing out takes a tenth of a second or so: what is given at once should take much longer, and yet be soon done.
_BUNDLE_SECONDS = 2.0
#: No bundle takes more than this share of what is left for each worker, so that their ends are even.
_BUNDLES_LEFT = 4


class OwnPace:
    """Learns how long trainings take from their reports."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._seconds, self._ended = 0.0, 0

    def note(self, events: Iterable[LineageEvent]) -> None:
        """Take in what was reported."""
        for event in events:
            if isinstance(event, EpochMetrics):
                self._seconds += event.seconds
            elif isinstance(event, (LineageFinished, LineageStopped, LineageDiverged, LineageFailed)):
                self._ended += 1

    def at_once(self, waiting: int) -> int:
        """Return how many of those that wait the next worker is given."""
        if not self._ended:
            return 1
        fit = int(_BUNDLE_SECONDS / max(self._seconds / self._ended, 1e-4))
        return max(1, min(fit, waiting // (_BUNDLES_LEFT * self._workers)))
