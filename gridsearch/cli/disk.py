"""What is used of the disk, and what a launch will need of it, as lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gridsearch.cli.streams import folded
from gridsearch.engine.disk_use import MORE_ROOM
from gridsearch.spec.byte_sizes import size_text

if TYPE_CHECKING:
    from gridsearch.engine.disk_need import DiskNeed
    from gridsearch.engine.disk_use import DiskUse


def use_text(used: DiskUse, *, width: int | None) -> str:
    """Return what a store takes as a line: `disk  database 1.2 MB, checkpoints 268 MB; 20 GB free`."""
    parts = {
        "database": used.database,
        "checkpoints": used.checkpoints,
        "weights": used.weights,
        "dashboards": used.dashboards,
        "other": used.other,
    }
    taken = ", ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size or name == "database")
    return folded(f"disk  {taken}; {size_text(used.free)} free", width, indent=6)


@dataclass(frozen=True)
class Room:
    """What a launch will need, None where the size of a model is not known, and how many bytes are free."""

    need: DiskNeed | None
    free: int

    def rows(self) -> list[tuple[str, str, str]]:
        """Return it as rows of a plan; where it is more than is free, also what to do."""
        if self.need is None:
            return []
        parts = {"checkpoints": self.need.checkpoints, "weights": self.need.weights}
        stays = ", ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size)
        words = f"at most; {f'{stays} stay' if stays else 'nothing of it stays'}"
        rows = [("disk", size_text(self.need.most), words)]
        if self.need.most > self.free:
            rows.append(("", "!", f"only {size_text(self.free)} are free where the store lies: {MORE_ROOM}"))
        return rows

    def json(self) -> dict[str, int]:
        """Return it as JSON values, as far as it is known."""
        return (asdict(self.need) if self.need else {}) | {"free": self.free}
