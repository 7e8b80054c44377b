"""A launch's sign of life, given from a thread of its own because an epoch may take longer than others would wait."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from gridsearch.engine.liveness import BEAT_SECONDS
from gridsearch.errors import StoreError
from gridsearch.store.opening import open_store


class Heartbeat:
    """Raises the launch's beat every few seconds through its own connection, until left."""

    def __init__(self, store: Path, launch_id: int) -> None:
        self.store, self.launch_id = store, launch_id
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()

    def _beat(self) -> None:
        while not self.ended.wait(BEAT_SECONDS):
            try:
                with open_store(self.store, create=False) as store:
                    store.beat(self.launch_id)
            except StoreError:
                continue  # a missed beat is nothing; the launch's own transactions report a store that is gone
