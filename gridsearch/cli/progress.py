"""How a launch goes, on a terminal as one live region, in a pipe as a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gridsearch.cli.streams import err, line_at_once, printable, say
from gridsearch.cli.wording import STOPPING, duration
from gridsearch.spec.identity import flatten
from gridsearch.spec.outcomes import EpochRecord, LineageEvent

if TYPE_CHECKING:
    from gridsearch.search.plan import Plan
    from gridsearch.spec.job import JobSpec
    from gridsearch.store.rows import Recorded, TrialRow

PLAIN_SECONDS = 10.0


class Tracker:
    """Counts what is done, and from it the rate, the time left and the best trial so far."""

    def __init__(self, job: JobSpec, plan: Plan, *, train_images: int) -> None:
        self.axes = [axis.name for axis in job.space.axes]
        self.objective = job.objective
        self.trials = len(plan.grid.trials)
        self.trials_done = plan.done + plan.read + plan.failed
        self.epochs = plan.epochs
        self.epochs_done = 0
        self.failed = 0
        self.steps = {lin.lineage_id: -(-train_images // lin.config.batch_size) for lin in plan.lineages}
        self.work = sum(lin.steps for lin in plan.lineages)
        self.work_done = 0
        self.first: tuple[float, int, int] | None = None
        self.best: TrialRow | None = None
        self.stopping = False

    def count(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Take in what has been recorded."""
        for event in events:
            if isinstance(event, EpochRecord) and event.epoch > 0:
                self.epochs_done += 1
                self.work_done += self.steps.get(event.lineage_id, 0)
        if self.first is None:
            self.first = (time.monotonic(), self.work_done, self.epochs_done)
        for trial in outcome.finished:
            self.trials_done += 1
            self.failed += trial.state == "failed"
            self.offer(trial)

    def offer(self, trial: TrialRow) -> None:
        """Remember a finished trial if it is the best so far."""
        metric = self.objective.metric
        value = getattr(trial, metric)
        if value is None or trial.state not in ("completed", "stopped"):
            return
        best = getattr(self.best, metric) if self.best else None
        if best is None or ((value > best) == (self.objective.direction == "max") and value != best):
            self.best = trial

    @property
    def rate(self) -> float:
        """Return epochs per second since the first report, 0 while unknown."""
        if self.first is None or (elapsed := time.monotonic() - self.first[0]) < 1:
            return 0.0
        return (self.epochs_done - self.first[2]) / elapsed

    @property
    def seconds_left(self) -> float | None:
        """Return the expected seconds to the end, by optimiser steps, or None while unknown."""
        if self.first is None or (elapsed := time.monotonic() - self.first[0]) < 1:
            return None
        made = self.work_done - self.first[1]
        return max(0.0, (self.work - self.work_done) * elapsed / made) if made else None

    def pace(self) -> str:
        """Return rate and time left in words, or that there is no more to come."""
        if self.stopping:
            return STOPPING
        left = self.seconds_left
        eta = "" if left is None else f" · {duration(left)} left"
        return f"{self.rate:,.1f} epochs/s{eta}" if self.rate else "starting workers"

    def best_text(self) -> str:
        """Return the best trial so far in words, or nothing."""
        if not self.best:
            return ""
        settings: dict[str, Any] = flatten(self.best.config)
        axes = "  ".join(f"{axis} {settings[axis]}" for axis in self.axes if axis in settings)
        return f"best {self.objective.metric} {getattr(self.best, self.objective.metric):.4f}  {axes}"


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

    def line(self) -> str:
        """Return how it goes as one line."""
        t = self.tracker
        failed = f" ({t.failed} failed)" if t.failed else ""
        parts = [
            f"trials {t.trials_done:,}/{t.trials:,}{failed}",
            f"epochs {t.epochs_done:,}/{t.epochs:,}",
            t.pace(),
        ]
        return " · ".join([*parts, t.best_text()] if t.best else parts)


class LiveProgress:
    """A live region of two lines at the bottom of the terminal."""

    def __init__(self, tracker: Tracker) -> None:
        from rich.live import Live

        self.tracker = tracker
        self.started = time.monotonic()
        self.live = Live(
            get_renderable=self.render,
            console=err(),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def interrupted(self) -> None:
        """Have the region say that it stops, when it next draws itself; called by a signal's handler."""
        self.tracker.stopping = True

    def recorded(self, events: Sequence[LineageEvent], outcome: Recorded) -> None:
        """Count; the region draws itself."""
        self.tracker.count(events, outcome)

    def note(self, text: str) -> None:
        """Print a note above the region."""
        from rich.text import Text

        self.live.console.print(Text(printable(text)))

    def render(self) -> Any:
        """Return the region: a bar with the counts, and the best trial so far."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        t = self.tracker
        counts = Text.assemble(
            (f"{t.trials_done:,}/{t.trials:,}", "bold"), " trials  ", f"{t.epochs_done:,}/{t.epochs:,} epochs"
        )
        if t.failed:
            counts.append(f"  {t.failed} failed", "red")
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(ratio=1, min_width=8)
        bar.add_column(no_wrap=True)
        bar.add_row(ProgressBar(total=max(t.work, 1), completed=min(t.work_done, max(t.work, 1))), counts)
        pace = Text(
            f"{t.pace()} · {duration(time.monotonic() - self.started)} so far",
            "dim",
            overflow="ellipsis",
            no_wrap=True,
        )
        lines: list[Any] = [bar, pace]
        if t.best:
            lines.append(Text(t.best_text(), "green", overflow="ellipsis", no_wrap=True))
        return Group(*lines)


def make_progress(tracker: Tracker) -> LiveProgress | PlainProgress:
    """Return the progress that suits stderr."""
    return LiveProgress(tracker) if sys.stderr.isatty() else PlainProgress(tracker)
