"""What a launch is at before it trains, which takes seconds: a line on the terminal, gone when it is done."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from gridsearch.cli.render.region import Region
from gridsearch.cli.render.wording import STOPPING
from gridsearch.cli.streams import err, folded, line_at_once
from gridsearch.quantities import duration


class Preparing:
    """A line with what is done now and for how long; in a pipe nothing, as it says nothing that lasts."""

    def __init__(self, job: str) -> None:
        self.job, self.doing = job, "loading torch"
        self.started = time.monotonic()
        self.region: Region | None = None
        self.interrupted = line_at_once(STOPPING)

    def __enter__(self) -> Self:
        if err().is_terminal:
            self.region = Region(self.render)
            self.region.start()
            self.interrupted = self._stopping
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        if self.region:
            self.region.stop()

    def at(self, doing: str) -> None:
        """Go on to what is done next."""
        if self.doing != STOPPING:
            self.doing = doing
            if self.region:
                self.region.refresh()

    def end(self) -> None:
        """Take the line away."""
        self.__exit__()

    def render(self) -> Any:
        """Return the line."""
        from rich.text import Text

        seconds = time.monotonic() - self.started
        return Text(folded(f"{self.job}: {self.doing} · {duration(seconds)}", err().width), "dim")

    def _stopping(self) -> None:
        self.doing = STOPPING
