"""`gridsearch watch`: how jobs go, in the terminal, also over ssh."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gridsearch.cli import jobs
from gridsearch.cli.options import DEFAULT_STORE, StoreOption
from gridsearch.cli.reading import open_to_read
from gridsearch.cli.streams import columns, data, lines, out, say
from gridsearch.errors import GridsearchError

if TYPE_CHECKING:
    from gridsearch.analysis.following import Follower
    from gridsearch.analysis.sweep import Sweep
    from gridsearch.store.contract import Store

#: Seconds between two drawings, and for which it sleeps at a time.
_DRAW_SECONDS, _PAUSE_SECONDS = 1.0, 0.25
#: Looks take at most this share of the time.
_SHARE = 0.05
#: Results of each job where there are several.
_FEW = 2

JobToWatch = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOB]",
        help="A job in the store, by name or job file. Default: those that are trained, or the one changed last.",
    ),
]
Once = Annotated[bool, typer.Option("--once", help="Print how it stands and end, as in a pipe.")]


def watch(job: JobToWatch = None, once: Once = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show in the terminal how a job goes, until its launch ends: progress, workers, the newest and the best.

    It only reads the store. In a pipe it prints how the job stands, and ends.
    """
    from gridsearch.store.reader import Reader

    with open_to_read(store, job) as opened:
        name = jobs.stored_name(opened, job) if job else None
        if not opened.jobs():
            say(f"{store}: no job has been launched yet")
            return
    reader = Reader(store)
    try:
        watched = _Watched(reader, name)
        found = watched.look()
        if once or not sys.stdout.isatty() or not any(sweep.trains for sweep in found):
            data("\n".join(_lines(found, columns(sys.stdout))))
        else:
            _live(watched, found)
    finally:
        reader.close()


class _Watched:
    """The jobs that are watched, each followed."""

    def __init__(self, reader: object, name: str | None) -> None:
        from gridsearch.store.reader import Reader

        assert isinstance(reader, Reader)
        self._reader, self._name = reader, name
        self._followers: dict[str, Follower] = {}
        self._opened = 0

    def look(self) -> list[Sweep]:
        """Return how they go now."""
        return self._reader.read(self._look)

    def _look(self, store: Store) -> list[Sweep]:
        from gridsearch.analysis.following import Follower

        if self._reader.opened != self._opened:
            self._opened = self._reader.opened
            self._followers.clear()
        for name in self._names(store):
            self._followers.setdefault(name, Follower(store, name))
        return [follower.look() for follower in self._followers.values()]

    def _names(self, store: Store) -> list[str]:
        if self._name is not None:
            return [self._name]
        known = store.jobs()
        busy = {one.job for one in store.open_launches()}
        found = [row.name for row in known if row.name in busy]
        if found or self._followers:
            return found
        return [max(known, key=lambda row: row.updated_at).name]


def _lines(found: list[Sweep], width: int | None, newest: int | None = None) -> list[str]:
    from gridsearch.cli.render.sweep import NEWEST, sweep_lines

    if len(found) == 1:
        return sweep_lines(found[0], width=width, newest=newest or NEWEST)
    parts = [sweep_lines(sweep, width=width, newest=newest or _FEW) for sweep in found]
    return [line for place, part in enumerate(parts) for line in ([""] if place else []) + part]


def _fitted(found: list[Sweep], width: int | None, room: int) -> list[str]:
    """Return the lines that a terminal has room for; the last says how many there are not."""
    from gridsearch.cli.render.sweep import NEWEST

    told: list[str] = []
    for newest in range(NEWEST if len(found) == 1 else _FEW, 0, -1):
        told = _lines(found, width, newest=newest)
        if len(told) <= room:
            return told
    if room <= 0:
        return told
    left = len(told) - room + 1
    return [*told[:-left], f"  {left} more lines: enlarge the terminal"]


def _live(watched: _Watched, found: list[Sweep]) -> None:
    """Draw how it goes once a second, until no launch is at work."""
    from rich.live import Live
    from rich.text import Text

    def drawn(trouble: str) -> Text:
        # Of what cannot be read nobody knows how fast it goes.
        known = [sweep.without_pace() for sweep in found] if trouble else found
        told = _fitted(known, columns(sys.stdout), lines(sys.stdout) - 2)
        return Text("\n".join([*told, *([f"  {trouble}"] if trouble else [])]), no_wrap=True, overflow="ellipsis")

    trouble, next_look, last_draw = "", 0.0, 0.0
    with Live(drawn(""), console=out(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while any(sweep.trains for sweep in found):
            time.sleep(_PAUSE_SECONDS)
            now = time.monotonic()
            if now >= next_look:
                before = time.thread_time()
                try:
                    found, trouble = watched.look(), ""
                except GridsearchError as error:
                    trouble = str(error)
                next_look = time.monotonic() + max(_DRAW_SECONDS / 2, (time.thread_time() - before) / _SHARE)
            if now - last_draw >= _DRAW_SECONDS:
                last_draw = now
                live.update(drawn(trouble), refresh=True)
        live.update(Text("\n".join(_lines(found, columns(sys.stdout)))), refresh=True)
