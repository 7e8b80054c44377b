"""Looking at the store for those who have a page open: only when it was written to, and with little of the time."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridsearch.analysis.following import Follower
from gridsearch.errors import GridsearchError, StoreError, one_line
from gridsearch.paths import INDEX_PAGE, store_option
from gridsearch.serve.state import State, job_of, state_of
from gridsearch.serve.telling import row_json, sweep_json
from gridsearch.store.contract import Store
from gridsearch.store.marks import Mark, mark_of
from gridsearch.store.reader import Reader

_log = logging.getLogger(__name__)

#: Seconds between two looks at the file's header, which take no lock; and between two at the store, at least.
_PEEK_SECONDS, _LOOK_SECONDS = 0.2, 0.5
#: Looks take at most this share of the time.
_SHARE = 0.05
#: A page that has not asked for so long is closed.
_ASKED_SECONDS = 3.0
#: Seconds after which a job that is trained is looked at though nothing was written: who is silent is told.
_SILENT_SECONDS = 5.0
#: Seconds until the next try where the store could not be read.
_TROUBLE_SECONDS = 1.0


@dataclass
class News:
    """What the page of a job, or the list of jobs, is told.

    Attributes:
        number: Counts up with each change.
        kind: `sweep`, or `trouble` where the store cannot be read.
        text: The content, as JSON.
        trains: Whether a launch is at work.
        state: What stands in the store, as far as the page shows it.
    """

    number: int = 0
    kind: str = ""
    text: str = ""
    trains: bool = False
    state: tuple[State, ...] = ()
    asked: float = 0.0
    mark: Mark = None
    next_look: float = 0.0
    looked: float = 0.0
    settled: bool = False
    followers: dict[str, Follower] = field(default_factory=dict)

    def tell(self, kind: str, value: Any) -> None:
        """Take in what is to be told, which is nothing new where it is as before."""
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        if (kind, text) != (self.kind, self.text):
            self.kind, self.text, self.number = kind, text, self.number + 1


class Newsroom:
    """Has the news for every page that is open, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = Reader(path)
        self._opened = 0
        self._pages: dict[str, News] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()

    def of(self, page: str) -> News:
        """Return the news of a page, which counts as open for a few seconds from now on."""
        with self._lock:
            news = self._pages.setdefault(page, News())
        news.asked = time.monotonic()
        return news

    def open_pages(self) -> dict[str, News]:
        """Return the pages that are open."""
        now = time.monotonic()
        with self._lock:
            for page in [page for page, news in self._pages.items() if now - news.asked > _ASKED_SECONDS]:
                del self._pages[page]
            return dict(self._pages)

    def _run(self) -> None:
        while not self._stop.wait(_PEEK_SECONDS):
            for page, news in self.open_pages().items():
                mark, now = mark_of(self._path), time.monotonic()
                stale = news.trains and now - news.looked > _SILENT_SECONDS
                if now >= news.next_look and (mark != news.mark or not news.settled or stale):
                    self._look(page, news, mark)

    def _look(self, page: str, news: News, mark: Mark) -> None:
        before = time.thread_time()
        try:
            self._reader.read(lambda store: self._read(store, page, news))
            news.mark, wait = mark, _LOOK_SECONDS
        except GridsearchError as error:
            news.tell("trouble", str(error))
            news.settled, wait = False, _TROUBLE_SECONDS
        except Exception as error:  # a page that is not told is no reason not to tell the others
            _log.warning("a look at the store failed: %s", one_line(error), exc_info=True)
            news.tell("trouble", one_line(error))
            news.settled, wait = False, _TROUBLE_SECONDS
        news.looked = time.monotonic()
        news.next_look = news.looked + max(wait, (time.thread_time() - before) / _SHARE)

    def _read(self, store: Store, page: str, news: News) -> None:
        if self._reader.opened != self._opened:  # what followed the store as it was before has its connection
            self._opened = self._reader.opened
            for other in self.open_pages().values():
                other.followers.clear()
        if page == INDEX_PAGE:
            self._read_jobs(store, news)
            return
        name = job_of(store, page)
        if name is None:
            raise StoreError(f"there is no job with the page {page} in {self._path} yet")
        follower = news.followers.setdefault(name, Follower(store, name))
        sweep = follower.look()
        news.trains, news.state, news.settled = sweep.trains, (state_of(store, name),), follower.settled
        news.tell("sweep", sweep_json(sweep, store_option(self._path)))

    def _read_jobs(self, store: Store, news: News) -> None:
        rows = store.jobs()
        busy = {one.job for one in store.open_launches()}
        sweeps = []
        for row in rows:
            # A job that has just ended is told once more.
            if row.name in busy or row.name in news.followers:
                sweeps.append(news.followers.setdefault(row.name, Follower(store, row.name)).look())
        for name in [name for name in news.followers if name not in busy]:
            del news.followers[name]
        news.trains, news.settled = any(sweep.trains for sweep in sweeps), True
        news.state = tuple(state_of(store, row.name) for row in rows)
        news.tell("sweep", [row_json(sweep, store_option(self._path)) for sweep in sweeps])
