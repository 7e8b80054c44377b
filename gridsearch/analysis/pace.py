"""How fast work is done, from what was done when."""

from __future__ import annotations

import time
from collections import deque

#: The pace is that of the last so many seconds: batches of different sizes are not equally fast.
_WINDOW_SECONDS = 60.0
#: How long to measure before an end is foretold.
_FORETELL_SECONDS = 2.0


class Pace:
    """Takes in how much was done by when; work is in any unit that takes equally long, such as steps."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, int]] = deque()

    def note(self, work: int, epochs: int, *, at: float | None = None) -> None:
        """Take in how much work and how many epochs were done at a time of `time.monotonic`, now when left out."""
        now = time.monotonic() if at is None else at
        self._samples.append((now, work, epochs))
        while len(self._samples) > 2 and self._samples[1][0] < now - _WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def started(self) -> bool:
        """Whether anything has been reported yet."""
        return bool(self._samples)

    @property
    def epochs_per_second(self) -> float | None:
        """The epochs per second of late; None until some were seen to be trained."""
        if not self._samples:
            return None
        (since, _, epochs), (_, _, epochs_now) = self._samples[0], self._samples[-1]
        elapsed = time.monotonic() - since
        return None if epochs_now == epochs or elapsed <= 0 else (epochs_now - epochs) / elapsed

    def seconds_left(self, work_left: int) -> float | None:
        """Return how long so much work will take; None until that can be told, and where none is left."""
        if self.epochs_per_second is None or not work_left:
            return None
        (since, work, _), (_, work_now, _) = self._samples[0], self._samples[-1]
        elapsed = time.monotonic() - since
        return None if elapsed < _FORETELL_SECONDS or work_now == work else work_left * elapsed / (work_now - work)
