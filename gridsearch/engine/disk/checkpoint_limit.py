"""Seeing to it, while trials are trained, that their checkpoints take no more room than they are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gridsearch import paths
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.disk.usefulness import beyond, checkpoints_in, is_over, worths
from gridsearch.store.contract import Store
from gridsearch.store.rows import LineageRow
from gridsearch.training.checkpoints import CheckpointFolder

#: How many lineages' checkpoints are removed while nobody may write to the store.
AT_ONCE = 50
#: How often a launch looks whether the limit is kept at most, and of how much time looking takes at most a part.
LOOK_SECONDS, LOOKING_SHARE = 2.0, 0.05


class CheckpointRoom:
    """Removes the checkpoints of lineages that no training goes on with, and the least useful beyond a limit in bytes.

    What a launch holds is not touched: see `Store.unclaimed`.
    """

    def __init__(self, store: Store, store_path: Path, limit: float = float("inf")) -> None:
        self.store, self.limit = store, limit
        self.root = paths.checkpoint_dir(store_path)
        self._next_look = 0.0
        #: How many have gone because of the limit.
        self.removed = 0

    def ended(self, ended: Mapping[str, TrialConfig]) -> None:
        """Learn which lineages have just been recorded as ended, with the configuration that they were trained under.

        That must have been recorded: until then what a checkpoint knows may be all that is known.
        """
        # Over is over, so nobody can claim them, and no lock is needed.
        for lineage_id, row in self.store.lineages(ended).items():
            if is_over(row, ended[lineage_id]):
                CheckpointFolder(self.root, lineage_id).remove()
        if ended and time.monotonic() >= self._next_look:
            self.make()

    def make(self) -> None:
        """Remove the least useful checkpoints until all that are left keep to the limit, or none may go."""
        if self.limit == float("inf"):
            return
        started = time.monotonic()
        found = checkpoints_in(self.root)
        if sum(one.size for one in found.values()) > self.limit:
            rows = self.store.lineages(found)
            going = beyond(found, worths(self.store, found), self.limit)
            with_unclaimed(self.store, going, rows, self._remove)
        now = time.monotonic()
        self._next_look = now + max(LOOK_SECONDS, (now - started) / LOOKING_SHARE)

    def _remove(self, lineage_id: str) -> None:
        CheckpointFolder(self.root, lineage_id).remove()
        self.removed += 1


def with_unclaimed(
    store: Store,
    lineage_ids: Sequence[str],
    before: Mapping[str, LineageRow],
    act: Callable[[str], None],
    at_once: int = AT_ONCE,
) -> None:
    """Do something with those of the lineages that no launch holds or has held since they were as `before`.

    None can be claimed while it is done.
    """
    for start in range(0, len(lineage_ids), at_once):
        with store.unclaimed(lineage_ids[start : start + at_once]) as free:
            for lineage_id, row in free.items():
                if row == before.get(lineage_id):
                    act(lineage_id)
