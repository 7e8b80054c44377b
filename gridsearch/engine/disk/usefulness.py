"""What checkpoints are good for, and so which of them go first where there is no room for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from gridsearch.analysis.best import best
from gridsearch.config.events import OPEN_STATES
from gridsearch.config.identity import parse
from gridsearch.config.trial import TrialConfig
from gridsearch.store.contract import Store
from gridsearch.store.rows import LineageRow


class Use(IntEnum):
    """What may come of a lineage's checkpoint, the least first."""

    #: Its lineage is not in the store.
    UNKNOWN = 0
    #: No training goes on from it: see `is_over`.
    OVER = 1
    #: Its trials are points of no job's grid any more.
    LEFT = 2
    #: An extension of `epochs` goes on from it, or a failed trial that is to be tried again.
    FINISHED = 3
    #: It is part of a job's grid, and not trained to its end.
    BEGUN = 4


@dataclass(frozen=True)
class Found:
    """What lies in a lineage's folder of checkpoints: bytes, and when it last changed (seconds since the epoch)."""

    size: int
    changed_at: float


@dataclass(frozen=True, order=True)
class Worth:
    """How useful a checkpoint is: what may come of it, then what was seen of it; the least goes first.

    `rank` is 0 for the best of its job and less for all others, `seconds_per_byte` what it took to train.
    """

    use: Use
    rank: float
    seconds_per_byte: float
    changed_at: float
    lineage_id: str


def is_over(row: LineageRow, config: TrialConfig) -> bool:
    """Whether no training can ever go on with a lineage, given its configuration of most epochs.

    It diverged or stopped early, so that longer trials have their answer too; or it has come to the end of a schedule
    that needs the total, under which more epochs are another lineage.
    """
    return row.answered or (not config.shares_prefix and row.epoch >= config.epochs)


def checkpoints_in(root: Path) -> dict[str, Found]:
    """Return what there is of each lineage, by its id."""
    found = {}
    for folder in root.iterdir() if root.is_dir() else ():
        if len(folder.name) == 64 and folder.is_dir() and not folder.is_symlink():
            sizes, times = [0], [0.0]
            for path in folder.iterdir():
                try:
                    stat = path.lstat()
                except OSError:  # replaced or removed meanwhile
                    continue
                sizes.append(stat.st_size)
                times.append(stat.st_mtime)
            found[folder.name] = Found(sum(sizes), max(times))
    return found


def worths(store: Store, found: Mapping[str, Found]) -> dict[str, Worth]:
    """Return how useful the checkpoints of lineages are."""
    rows, configs = store.lineages(found), store.configs(found)
    open_ones: set[str] = set()
    ranks: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for job in store.jobs():
        trials = store.trials(job.name)
        open_ones |= {trial.lineage_id for trial in trials if trial.state in OPEN_STATES}
        for lineage_id, rank in _ranks(store, job.name).items():
            ranks[lineage_id] = max(rank, ranks.get(lineage_id, -1.0))
        for trial in trials:
            seconds[trial.lineage_id] = max(trial.seconds or 0.0, seconds.get(trial.lineage_id, 0.0))

    def use(lineage_id: str) -> Use:
        if lineage_id not in rows:
            return Use.UNKNOWN
        if lineage_id in configs and is_over(rows[lineage_id], parse(configs[lineage_id])):
            return Use.OVER
        if lineage_id in open_ones:
            return Use.BEGUN
        return Use.FINISHED if lineage_id in seconds else Use.LEFT

    return {
        lineage_id: Worth(
            use(lineage_id),
            ranks.get(lineage_id, -1.0),
            seconds.get(lineage_id, 0.0) / max(1, one.size),
            one.changed_at,
            lineage_id,
        )
        for lineage_id, one in found.items()
    }


def beyond(found: Mapping[str, Found], worth: Mapping[str, Worth], limit: float) -> list[str]:
    """Return whose checkpoints must go for all to keep to a limit in bytes, the least useful first.

    Those of trainings that are begun stay whatever the limit: without them what is trained would be lost.
    """
    left = sum(one.size for one in found.values())
    going = []
    for lineage_id in sorted(found, key=lambda lineage_id: worth[lineage_id]):
        if left <= limit or worth[lineage_id].use is Use.BEGUN:
            break
        if found[lineage_id].size:
            going.append(lineage_id)
            left -= found[lineage_id].size
    return going


def _ranks(store: Store, job: str) -> dict[str, float]:
    """Return of a job's lineages that have a score where they stand, from 0, the best, down to -1."""
    order = list(dict.fromkeys(row.lineage_id for place in best(store, job) for row in place.members))
    return {lineage_id: -place / len(order) for place, lineage_id in enumerate(order)}
