"""Doing now and then what takes long, so that it takes at most a share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Sparing(Generic[T]):
    """Keeps what `act` returned last, and calls it again no sooner than its `share` of the time allows.

    Time is that of the clock, in seconds, or what another `clock` counts; `least` seconds lie between two calls.
    """

    def __init__(
        self,
        act: Callable[[], T],
        share: float,
        *,
        least: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._act, self._share, self._least, self._clock = act, share, least, clock
        self._next = 0.0
        self._last: T | None = None

    @property
    def due(self) -> bool:
        """Whether it may be done again."""
        return time.monotonic() >= self._next

    @property
    def waits(self) -> float:
        """Seconds until it may be done again."""
        return max(0.0, self._next - time.monotonic())

    def last(self) -> T:
        """Return what it returned last, calling it where that was never."""
        return self.now() if self._last is None else self._last

    def sometimes(self) -> T:
        """Call it where it is due, and return what it returned last."""
        return self.now() if self.due or self._last is None else self._last

    def now(self) -> T:
        """Call it."""
        before = self._clock()
        try:
            self._last = self._act()
        finally:
            spent = self._clock() - before
            self._next = time.monotonic() + max(self._least, spent / self._share - spent)
        return self._last
