"""A worker's log: what is logged there is reported with the events, and written in the driver's process."""

from __future__ import annotations

import logging
from collections import deque

from gridsearch.config.events import LogLine

#: More lines between two reports would be one cause told again and again.
_MOST_LINES = 1000


class WorkerLog(logging.Handler):
    """Gathers the lines of this package's loggers in a worker's process."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[LogLine] = deque(maxlen=_MOST_LINES)
        logger = logging.getLogger("gridsearch")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line until it is taken."""
        self.lines.append(LogLine(record.name, record.levelno, record.getMessage()))

    def taken(self) -> list[LogLine]:
        """Return the lines since the last time."""
        lines = list(self.lines)
        self.lines.clear()
        return lines
