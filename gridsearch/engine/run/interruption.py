"""Signals that ask to stop: the first to stop with everything kept, the second to stop now."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import ClassVar, Self

from gridsearch.errors import StopNowError

#: Ctrl-C, a polite kill, a terminal that was closed, and what batch systems send before they kill.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
#: How long an orderly stop may take; after that it is as if the signal had come twice.
PATIENCE_SECONDS = 7.0


def raise_on_signals() -> None:
    """Have each of the signals raise `KeyboardInterrupt`, as Ctrl-C does, for the rest of the process."""
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # what `nohup` has ignored stays ignored
            signal.signal(number, signal.default_int_handler)


def die_on_signals() -> None:
    """Have each of the signals end the process at once: it is ending, and nothing is left to keep in order."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Interruption:
    """While entered, the first of the signals sets `requested`; the second raises `StopNowError`, a
    `KeyboardInterrupt`.

    So does the first when what was asked to stop is still at it after `PATIENCE_SECONDS`. Outside the main thread,
    where Python delivers no signals, it never becomes requested by itself.
    """

    #: Those that are entered, for `_forget_in_children`.
    entered: ClassVar[list[Interruption]] = []

    def __init__(self, notice: Callable[[], None] = lambda: None) -> None:
        self.requested = False
        self.notice = notice
        self.previous: dict[int, object] = {}
        # A queue that may be put to from within a signal's handler.
        self._happened: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                    self.previous[number] = signal.signal(number, self._handle)
            threading.Thread(target=self._lose_patience, name="patience", daemon=True).start()
        self.entered.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._happened.put(False)
        self.entered.remove(self)
        self.put_back()

    def put_back(self) -> None:
        """Give the signals back to whoever had them before."""
        for number, handler in self.previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def request(self) -> None:
        """Ask to stop, as the first signal does."""
        if not self.requested:
            self.requested = True
            self._happened.put(True)
            self.notice()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise StopNowError
        self.request()

    def _lose_patience(self) -> None:
        """Send the second signal, unless there is none to wait for or the end comes first."""
        if not self._happened.get():
            return
        try:
            self._happened.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            thread = threading.main_thread().ident
            if thread is not None:
                signal.pthread_kill(thread, signal.SIGINT)  # that thread, so that it wakes from whatever it waits for


def _forget_in_children() -> None:
    """Let a process that a training forks end as any other does: our handlers would only ask it to stop."""
    for one in reversed(Interruption.entered):
        one.put_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_children)
