"""Making the pages that are open anew as the store changes."""

from __future__ import annotations

import logging
import threading

from gridsearch.errors import GridsearchError, one_line
from gridsearch.serve.news import Newsroom
from gridsearch.serve.pages import Pages
from gridsearch.serve.state import State

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.3


class Painter:
    """Renews pages in a thread of its own: nobody waits for it."""

    def __init__(self, pages: Pages, news: Newsroom) -> None:
        self._pages, self._news = pages, news
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            for name, news in self._news.open_pages().items():
                if news.kind == "sweep" and not self._stop.is_set():
                    self._renew(name, news.state, spare=news.trains)

    def _renew(self, name: str, state: tuple[State, ...], *, spare: bool) -> None:
        try:
            self._pages.renew(name, state, spare=spare)
        except GridsearchError as error:
            _log.info("%s was not made: %s", name, one_line(error))  # the page is told by the news
        except Exception as error:
            _log.warning("%s was not made: %s", name, one_line(error), exc_info=True)
            self._stop.wait(_PAUSE_SECONDS * 10)
