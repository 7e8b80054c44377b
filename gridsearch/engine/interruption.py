"""Ctrl-C: once to stop with everything kept, twice to stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from gridsearch.errors import StopNowError


class Interruption:
    """While entered, the first SIGINT or SIGTERM sets `requested`; the second raises `StopNowError`, a
    `KeyboardInterrupt`.

    Outside the main thread, where Python delivers no signals, it never becomes requested by itself.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, notice: Callable[[], None] = lambda: None) -> None:
        self.requested = False
        self.notice = notice
        self.previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self.previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise StopNowError
        self.requested = True
        self.notice()
