"""The pages of a store, made when they are asked for and kept; of a job that is trained, anew now and then."""

from __future__ import annotations

import math
import os
import secrets
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gridsearch.analysis.frames import load, load_to_show
from gridsearch.analysis.measures import TIMES
from gridsearch.analysis.summary import summary
from gridsearch.errors import GridsearchError
from gridsearch.paths import INDEX_PAGE, dashboard_page
from gridsearch.serve.state import State, job_of, state_of
from gridsearch.store.contract import Store
from gridsearch.store.marks import Mark, mark_of
from gridsearch.store.reader import Reader
from gridsearch.store.signs_of_life import BEAT_SECONDS, Life
from gridsearch.visualization.dashboards import entry
from gridsearch.visualization.index import Entry, index_page, waiting_page
from gridsearch.visualization.page import Stamp, job_page

#: Making pages while a job is trained takes at most this share of the machine's processors, the reader's browser aside.
_SHARE = 0.03
#: Seconds that who asks for a page waits for it; then comes the one that there is, or one that says so and is told.
_PATIENCE_SECONDS = 2.0
#: Pages that are kept.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was made: its version, the text, what stood in the store, and when another may be made.

    From `stale_at` on it may be wrong though nothing was written since: a launch that it calls at work may be lost.
    """

    version: str
    text: str
    mark: Mark
    state: tuple[State, ...]
    next_at: float
    stale_at: float

    def is_behind(self, mark: Mark, now: float) -> bool:
        """Whether it is to be made anew for whoever asks for it."""
        return now >= self.next_at and (mark != self.mark or now >= self.stale_at)


class Pages:
    """Makes pages, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = Reader(path)
        self._made: dict[str, Page] = {}
        self._entries: dict[State, Entry] = {}
        self._asked: dict[str, Future[Page]] = {}
        self._asking, self._making = threading.Lock(), threading.Lock()
        self._prefix = secrets.token_hex(4)
        self._number = 0

    def version(self, name: str) -> str | None:
        """Return the version of a page that there is."""
        page = self._made.get(name)
        return page.version if page else None

    def text(self, name: str) -> tuple[str, int]:
        """Return a page, made now unless it is up to date or was made a moment ago, and the HTTP status.

        Where making it takes long, it is the page as it was, or one that waits for it.
        """
        page = self._made.get(name)
        try:
            if page is None or page.is_behind(mark_of(self._path), time.monotonic()):
                page = self._wanted(name).result(_PATIENCE_SECONDS)
            return page.text, 200
        except (GridsearchError, TimeoutError) as error:
            if page := self._made.get(name):
                return page.text, 200  # the page itself is told what is wrong, and of the one that comes
            why = str(error) if isinstance(error, GridsearchError) else "This page is being made, from many trials."
            return self._waiting(name, why), 404 if isinstance(error, NoPageError) else 200

    def renew(self, name: str, state: tuple[State, ...], *, spare: bool) -> None:
        """Make a page anew where it does not show this state of the store, sparingly while jobs are trained."""
        page = self._made.get(name)
        if page is None or (page.state != state and (not spare or time.monotonic() >= page.next_at)):
            self._wanted(name).result()

    def _wanted(self, name: str) -> Future[Page]:
        """Return the page that is being made, by another who asked or from now on."""
        with self._asking:
            wanted = self._asked.get(name)
            if wanted is None or wanted.done():
                wanted = self._asked[name] = Future()
                # Nobody waits for it at the end of the process, as for a thread of a pool.
                threading.Thread(target=self._fulfil, args=(name, wanted), name=f"page {name}", daemon=True).start()
            return wanted

    def _fulfil(self, name: str, wanted: Future[Page]) -> None:
        with self._making:
            try:
                wanted.set_result(self._make(name))
            except BaseException as error:
                wanted.set_exception(error)

    def _make(self, name: str) -> Page:
        mark, before = mark_of(self._path), time.thread_time()
        self._number += 1
        stamp = Stamp(datetime.now(UTC), str(self._path), live=f"{self._prefix}-{self._number}")
        text, state = self._reader.read(lambda store: self._text(store, name, stamp))
        spent = time.thread_time() - before
        next_at = time.monotonic() + spent / (_SHARE * (os.cpu_count() or 1))
        lives = [one for *_, found in state for _, one in found]
        stale_at = time.monotonic() + BEAT_SECONDS if any(one is not Life.LOST for one in lives) else math.inf
        made = self._made[name] = Page(stamp.live, text, mark, state, next_at, stale_at)
        while len(self._made) > _MOST:
            del self._made[next(iter(self._made))]
        return made

    def _text(self, store: Store, name: str, stamp: Stamp) -> tuple[str, tuple[State, ...]]:
        if name == INDEX_PAGE:
            return self._index(store, stamp)
        job = job_of(store, name)
        if job is None:
            raise NoPageError(f"there is no job with the page {name} in {self._path} yet; gridsearch launch adds one")
        state = (state_of(store, job),)
        data = load_to_show(store, job, TIMES)
        return job_page(data, stamp, summary(data)), state

    def _index(self, store: Store, stamp: Stamp) -> tuple[str, tuple[State, ...]]:
        entries, state = [], []
        for row in store.jobs():
            key = state_of(store, row.name)
            if key not in self._entries:
                data = load(store, row.name)
                self._entries[key] = entry(store, data, dashboard_page(Path(), row.name).name, summary(data))
            entries.append(self._entries[key])
            state.append(key)
        self._entries = dict(zip(state, entries, strict=True))
        return index_page(entries, stamp), tuple(state)

    def _waiting(self, name: str, why: str) -> str:
        title = "All jobs" if name == INDEX_PAGE else name.removesuffix(".html")
        return waiting_page(title, why, Stamp(datetime.now(UTC), str(self._path), live="waiting"))


class NoPageError(GridsearchError):
    """No job has a page of this name."""
