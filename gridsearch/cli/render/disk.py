"""What is used of the disk, and what a launch will need of it, as lines."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gridsearch import paths
from gridsearch.cli.streams import folded
from gridsearch.config.byte_sizes import size_text
from gridsearch.engine.disk.disk_use import MORE_ROOM, free_bytes
from gridsearch.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gridsearch.config.job import JobSpec
    from gridsearch.engine.disk.disk_need import DiskNeed
    from gridsearch.engine.disk.disk_use import DiskUse
    from gridsearch.engine.run.packing import PlannedPack
    from gridsearch.engine.run.planning import LaunchOptions
    from gridsearch.search.plan import Plan


def use_text(used: DiskUse, *, width: int | None) -> str:
    """Return what a store takes as a line: `disk  database 1.2 MB, checkpoints 268 MB; 20 GB free`."""
    parts = {
        "database": used.database,
        "checkpoints": used.checkpoints,
        "weights": used.weights,
        "dashboards": used.dashboards,
        "runs": used.runs,
        "other": used.other,
    }
    taken = ", ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size or name == "database")
    return folded(f"disk  {taken}; {size_text(used.free)} free", width, indent=6)


@dataclass(frozen=True)
class Room:
    """What a launch will need, None where the size of a model is not known, and how many bytes are free.

    `limit` is what the store's checkpoints may take, in bytes; infinite where nobody has set one.
    """

    need: DiskNeed | None
    free: int
    limit: float = math.inf

    def rows(self) -> list[tuple[str, str, str]]:
        """Return it as rows of a plan; where it is more than is free, also what to do."""
        if self.need is None:
            return self.limit_rows()
        parts = {"checkpoints": self.need.checkpoints, "weights": self.need.weights}
        stays = ", ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size)
        words = f"at most; {f'{stays} are kept' if stays else 'none of it is kept'}{self._limited('; ')}"
        rows = [("disk", size_text(self.need.most), words)]
        if self.need.most > self.free:
            rows.append(("", "!", f"only {size_text(self.free)} are free on the store's disk: {MORE_ROOM}"))
        return rows

    def limit_rows(self) -> list[tuple[str, str, str]]:
        """Return the limit alone, where there is one: a launch keeps to it even where it trains nothing."""
        return [("disk", "", said)] if (said := self._limited()) else []

    def _limited(self, before: str = "") -> str:
        if self.limit == math.inf:
            return ""
        to = f"are limited to {size_text(self.limit)}" if self.limit else "are deleted when their trainings end"
        return f"{before}all checkpoints of the store {to} (checkpoints)"

    def json(self) -> dict[str, int | None]:
        """Return it as JSON values, as far as it is known; `limit` is null where there is none."""
        limit = None if self.limit == math.inf else int(self.limit)
        return (asdict(self.need) if self.need else {}) | {"limit": limit, "free": self.free}


def lost_lines(name: str, made: Plan, store: Path) -> list[str]:
    """Say how many lineages that are to be gone on with have no checkpoint for it, so that they cost more epochs."""
    begun = [one for one in made.lineages if one.start > 0]
    if not begun:
        return []
    from gridsearch.training.checkpoints import CheckpointFolder  # torch

    root = paths.checkpoint_dir(store)
    lost = [one for one in begun if not CheckpointFolder(root, one.lineage_id).begun]
    return (
        [f"{name}: {counted(len(lost), 'lineage')} without a checkpoint: to be trained from the start"] if lost else []
    )


def room_for(
    spec: JobSpec, store: Path, options: LaunchOptions, packs: Sequence[PlannedPack], sizes: Mapping[str, int]
) -> Room:
    """Return what a launch will need of the disk, and what is free there."""
    from gridsearch.engine.disk.disk_need import disk_need
    from gridsearch.engine.run.planning import checkpoint_limit

    limit = checkpoint_limit(spec, options)
    need = disk_need(packs, sizes, workers=options.workers, keep=options.keep, limit=limit)
    return Room(need, free_bytes(store), limit)
