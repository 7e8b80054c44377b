"""Opening the store to look at it: it may not be there yet, be locked for a while, or be replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gridsearch.errors import GridsearchError, StoreMovedError
from gridsearch.store.contract import Store
from gridsearch.store.opening import open_store
from gridsearch.store.waiting import Patience

T = TypeVar("T")

#: Seconds that a look waits for the store to be free; the next one comes soon.
_WAIT_SECONDS = 0.5


class NoStoreError(GridsearchError):
    """There is no store, yet or any more."""


class Reader:
    """A connection to the store, opened when it is first needed, and again where it broke off.

    For one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: Store | None = None
        self.opened = 0

    def read(self, what: Callable[[Store], T]) -> T:
        """Return what is read from the store.

        Raises:
            NoStoreError: There is none yet, or none any more.
            StoreError: It cannot be read just now; the text says why.
        """
        try:
            if self._store is None:
                if not self._path.exists():
                    if self.opened:
                        raise NoStoreError(f"the store {self._path} is gone: it was moved or removed")
                    raise NoStoreError(f"there is no store {self._path} yet: gridsearch launch makes one")
                # Whoever waits for it longer is told so on the page, not on the terminal.
                patience = Patience(limit=_WAIT_SECONDS, note=lambda _: None)
                self._store = open_store(self._path, create=False, read_only=True, patience=patience)
                self.opened += 1
            else:
                self._store.check_in_place()
            return what(self._store)
        except StoreMovedError:
            self.close()
            return self.read(what)
        except NoStoreError:
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store = None
