"""How long a worker may be silent: it ends itself, by a thread that no model can hold up, and the driver learns why."""

from __future__ import annotations

import contextlib
import faulthandler
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

from gridsearch.config.durations import duration_text

Event = TypeVar("Event")


class Watchdog:
    """In a worker: ends the process when its training says nothing for `seconds`, None for never.

    Native code keeps the time and ends the process, so a forward that never returns cannot keep it from that, even
    where it holds Python's lock. Where the training was then is written to a file in `folder`, by the pack's `name`.
    """

    def __init__(self, seconds: float | None, folder: Path) -> None:
        self.seconds, self.folder, self.name = seconds, folder, ""
        self._file: IO[str] | None = None

    def watched(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield events; while one is waited for, the time runs."""
        while True:
            self._start()
            try:
                event = next(events)
            except StopIteration:
                return
            finally:
                self._stop()
            yield event

    def _start(self) -> None:
        if self.seconds is None:
            return
        with contextlib.suppress(OSError):  # on another machine there may be no such folder: then into Ray's log
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / self.name).open("w")
        faulthandler.dump_traceback_later(self.seconds, exit=True, file=self._file or sys.stderr)

    def _stop(self) -> None:
        if self.seconds is None:
            return
        faulthandler.cancel_dump_traceback_later()
        if self._file:
            self._file.close()
            self._file = None


class Silences:
    """In the driver: which workers were ended for their silence."""

    def __init__(self, seconds: float | None, folder: Path) -> None:
        self.seconds, self.folder = seconds, folder

    def account(self, name: str) -> str:
        """Return why a dead worker was ended and where it was then; nothing if it died of something else."""
        if self.seconds is None:
            return ""
        try:
            said = (self.folder / name).read_text(errors="replace")
        except OSError:  # where another machine wrote it, it counts as any other death
            return ""
        if not said.strip():
            return ""
        return f"no epoch within {duration_text(self.seconds)} (--trial-timeout)\n\n{said}"
