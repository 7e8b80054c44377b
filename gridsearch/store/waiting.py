"""Waiting for other programs' locks on a store: in short slices so that signals come through, and not in silence."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gridsearch.errors import StoreLockedError
from gridsearch.store.lock_holders import holder

T = TypeVar("T")

#: Seconds that SQLite itself waits at a time, during which no new reader comes in, and that it then leaves free.
SLICE_SECONDS, PAUSE_SECONDS = 0.1, 0.02
#: Seconds after which a wait is told, and after which it is given up.
TELL_SECONDS, LIMIT_SECONDS = 2.0, 30.0
#: Seconds that all waits together may still take once a stop is wanted.
GRACE_SECONDS = 2.0
#: Seconds without an attempt after which the next one is an operation of its own, with a limit of its own.
FORGET_SECONDS = 10.0


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Blocked:
    """A lock that could not be had: when it was first and last tried for, and whether that has been told."""

    since: float
    last: float
    told: bool = False


@dataclass
class Patience:
    """How long to wait for others' locks, whom to tell, and what ends every wait early.

    Waits add up: from the first attempt that met a lock until one succeeds no more than `limit` seconds pass in all,
    over however many attempts; None is without limit. Once `stop` says so, `GRACE_SECONDS` are left.
    """

    limit: float | None = LIMIT_SECONDS
    note: Callable[[str], None] = _to_stderr
    stop: Callable[[], bool] = lambda: False
    blocked: dict[tuple[Path, str], Blocked] = field(default_factory=dict)
    stopped_at: float | None = None

    def attempt(self, path: Path, kind: str, act: Callable[[], T], until: float | None = None) -> T:
        """Return what `act` returns once no lock of another program is in its way; `until` bounds this wait alone.

        `kind` ("read" or "write") keeps apart what different locks block; `until` is a time of `time.monotonic`.
        `StoreLockedError` when patience ends.
        """
        while True:
            try:
                result = act()
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
                self._wait(path, kind, until, error)
            else:
                self._free(path, kind)
                return result

    def _wait(self, path: Path, kind: str, until: float | None, error: sqlite3.OperationalError) -> None:
        now = time.monotonic()
        blocked = self.blocked.get((path, kind))
        if blocked is None or now - blocked.last > FORGET_SECONDS:
            blocked = self.blocked[path, kind] = Blocked(now - SLICE_SECONDS, now)
        blocked.last = now
        # A copy: the heartbeat waits in a thread of its own.
        told = any(other.told for (place, _), other in list(self.blocked.items()) if place == path)
        if now - blocked.since >= TELL_SECONDS and not told:
            blocked.told = True
            self.note(f"the store {path} is locked by {holder(path) or 'another program'}: waiting for it")
        ends = [until, None if self.limit is None else blocked.since + self.limit, self._end_of_grace(now)]
        if now >= min(end for end in [*ends, float("inf")] if end is not None):
            who, seconds = holder(path) or "another program", now - blocked.since
            raise StoreLockedError(
                f"the store {path}: {who} has had it locked for {seconds:.0f} s now; wait for it or stop it,"
                f" then try again ({error})"
            ) from error
        # Not all that wait are to come back at the same moment.
        time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))

    def _end_of_grace(self, now: float) -> float | None:
        if not self.stop():
            self.stopped_at = None
            return None
        self.stopped_at = self.stopped_at or now
        return self.stopped_at + GRACE_SECONDS

    def _free(self, path: Path, kind: str) -> None:
        blocked = self.blocked.pop((path, kind), None)
        if blocked and blocked.told:
            self.note(f"the store {path} is free again after {time.monotonic() - blocked.since:.0f} s")


#: How whoever says nothing else waits in this process; a command that trains waits without limit.
ORDINARY = Patience()


@contextmanager
def ordinarily(
    *, endless: bool = False, note: Callable[[str], None] | None = None, stop: Callable[[], bool] | None = None
) -> Iterator[None]:
    """Change how this process ordinarily waits, for as long as the context lasts."""
    before = ORDINARY.limit, ORDINARY.note, ORDINARY.stop
    ORDINARY.limit = None if endless else ORDINARY.limit
    ORDINARY.note, ORDINARY.stop = note or ORDINARY.note, stop or ORDINARY.stop
    try:
        yield
    finally:
        ORDINARY.limit, ORDINARY.note, ORDINARY.stop = before


def is_locked(error: sqlite3.Error) -> bool:
    """Whether SQLite refused because of another connection's lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
