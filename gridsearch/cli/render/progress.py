"""How a launch goes, on a terminal as one live region, in a pipe as a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gridsearch.cli.outlet import look_for_reader
from gridsearch.cli.render.region import Region
from gridsearch.cli.render.wording import STOPPING
from gridsearch.cli.streams import err, folded, line_at_once, say
from gridsearch.cli.tracking import Tracker
from gridsearch.config.events import LineageEvent
from gridsearch.printable import printable
from gridsearch.quantities import duration

if TYPE_CHECKING:
    from gridsearch.store.rows import Recorded

PLAIN_SECONDS = 10.0
#: The bar's least width beside the counts; in a narrower terminal it has a line of its own.
_BAR = 8


class PlainProgress:
    """A line every few seconds: for pipes, logs and continuous integration."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.spoke = time.monotonic()
        #: Called by a signal's handler.
        self.interrupted = line_at_once(STOPPING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Count, and speak when it is time."""
        self.tracker.count(events, outcome)
        if time.monotonic() - self.spoke >= PLAIN_SECONDS:
            self.spoke = time.monotonic()
            say(self.line())

    def note(self, text: str) -> None:
        """Pass a note on."""
        say(text)

    def tick(self) -> None:
        """Look at what others do, and whether anybody still reads."""
        self.tracker.look()
        look_for_reader(err().file)

    def line(self) -> str:
        """Return how it goes as one line."""
        t = self.tracker
        failed = f" ({t.failed:,} failed)" if t.failed else ""
        parts = [
            f"trials {t.trials_done:,}/{t.trials:,}{failed}",
            f"epochs {t.epochs_done:,}/{t.epochs:,}",
            t.pace.words(t.work - t.work_done),
        ]
        return " · ".join([*parts, str(t.best)] if t.best else parts)


class LiveProgress:
    """A live region of a few lines at the bottom of the terminal."""

    def __init__(self, tracker: Tracker, started: float) -> None:
        self.tracker, self.started = tracker, started
        self.stopping = False
        self.region = Region(self.render)

    def __enter__(self) -> Self:
        self.region.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.region.stop()

    def interrupted(self) -> None:
        """Have the region say that it stops, when it next draws itself; called by a signal's handler."""
        self.stopping = True

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Count; the region draws itself."""
        self.tracker.count(events, outcome)

    def note(self, text: str) -> None:
        """Print a note above the region."""
        say(text)

    def tick(self) -> None:
        """Look at what others do, and whether the terminal is still there."""
        self.tracker.look()
        look_for_reader(err().file)

    def render(self) -> Any:
        """Return the region: a bar with the counts, the pace, and the best trial so far."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        t, width = self.tracker, err().width
        counts = Text.assemble(
            (f"{t.trials_done:,}/{t.trials:,}", "bold"), " trials  ", f"{t.epochs_done:,}/{t.epochs:,} epochs"
        )
        if t.failed:
            counts.append(f"  {t.failed:,} failed", "red")
        bar = ProgressBar(total=max(t.work, 1), completed=min(t.work_done, max(t.work, 1)))
        lines: list[Any] = [bar, counts]
        if width > _BAR + len(counts):
            beside = Table.grid(padding=(0, 1), expand=True)
            beside.add_column(ratio=1, min_width=_BAR)
            beside.add_column(no_wrap=True)
            beside.add_row(bar, counts)
            lines = [beside]
        pace = STOPPING if self.stopping else t.pace.words(t.work - t.work_done)
        pace += f" · {duration(time.monotonic() - self.started)} so far"
        lines.append(Text(folded(pace, width), "dim"))
        if t.best:
            lines.append(Text(folded(printable(str(t.best)), width, indent=2), "green"))
        return Group(*lines)


def make_progress(tracker: Tracker, started: float) -> LiveProgress | PlainProgress:
    """Return the progress that suits stderr; plain, which says nothing at once, where there is nothing to train.

    `started` is when the launch was, as `time.monotonic` tells it.
    """
    return LiveProgress(tracker, started) if err().is_terminal and tracker.epochs else PlainProgress(tracker)
