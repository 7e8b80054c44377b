"""A launch's sign of life, given from a thread of its own because an epoch may take longer than others would wait."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from gridsearch.errors import LaunchClosedError, StoreError
from gridsearch.store.opening import open_store
from gridsearch.store.signs_of_life import BEAT_SECONDS

#: How long a beat waits for a lock; the next one tries again.
WAIT_SECONDS = 1.0


class Heartbeat:
    """Raises the launch's beat every few seconds through its own connection, until left.

    `beats` counts those that the store has taken; `fenced` says that the store takes none any more: others found the
    launch silent for too long, and its claims are theirs.
    """

    def __init__(self, store: Path, launch_id: int) -> None:
        self.path, self.launch_id = store, launch_id
        self.beats, self.fenced = 0, False
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        # Here and once: opening looks into the file, and closing it then would drop locks that this process holds.
        self.store = open_store(self.path, create=False)
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()
        self.store.close()

    def _beat(self) -> None:
        while not self.ended.wait(BEAT_SECONDS):
            try:
                with self.store.waiting_at_most(WAIT_SECONDS):
                    self.store.beat(self.launch_id)
                self.beats += 1
            except LaunchClosedError:
                self.fenced = True
                return
            except StoreError:
                continue  # a missed beat is nothing; the launch's own transactions report a store that is gone
