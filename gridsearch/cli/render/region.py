"""A few lines at the bottom of the terminal that are drawn anew, four times a second, until they are taken away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from gridsearch.cli.streams import err, said_above


class Region:
    """Shows what `render` returns, on stderr, which must be a terminal; `say` prints above it."""

    def __init__(self, render: Callable[[], Any]) -> None:
        from rich.live import Live

        self._render = render
        self._width = err().width
        self._drawn: Sequence[int] = ()
        self._shown = contextlib.ExitStack()
        self._live = Live(
            get_renderable=self._next,
            console=err(),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self) -> None:
        """Show it."""
        self._shown.enter_context(self._live)
        self._shown.enter_context(said_above())

    def refresh(self) -> None:
        """Draw it now."""
        self._live.refresh()

    def stop(self) -> None:
        """Take it away."""
        self._shown.close()

    def _next(self) -> Any:
        from rich.segment import Segment

        console, renderable = err(), self._render()
        if console.width < self._width and self._drawn:
            # Terminals fold what was drawn when they are made narrower: there are more lines to take away than it had.
            rows = sum(max(1, -(-length // console.width)) for length in self._drawn)
            with contextlib.suppress(AttributeError):
                self._live._live_render._shape = (console.width, rows)
        self._width = console.width
        self._drawn = [Segment.get_line_length(line) for line in console.render_lines(renderable, pad=False)]
        return renderable
