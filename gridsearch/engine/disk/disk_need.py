"""What a launch will need of the disk, by the sizes of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING

from gridsearch.config.byte_sizes import size_text
from gridsearch.engine.disk.disk_use import MORE_ROOM, free_bytes

if TYPE_CHECKING:
    from gridsearch.config.trial import TrialConfig
    from gridsearch.engine.run.packing import PlannedPack

#: How many checkpoints a lineage has while it is trained (two in turn, the synced one, one that is being written), and
#: of how many epochs its weights are gathered.
_COPIES, _READINGS = 4, 2


@dataclass(frozen=True)
class DiskNeed:
    """Bytes that a launch adds: checkpoints and weights that stay, and the most at a time while it is at work.

    Parameters and the optimiser's state are counted, buffers are not.
    """

    checkpoints: int
    weights: int
    most: int


def disk_need(
    packs: Sequence[PlannedPack],
    parameters: Mapping[str, int],
    *,
    workers: int,
    keep: int | None,
    limit: float,
) -> DiskNeed | None:
    """Return what packs will need, the largest trained at once; None where a model's size is not known.

    `parameters` are the models', by lineage. `keep` is how many of the best trials keep their weights, None where
    size decides; `limit` is that of checkpoints.
    """
    if not packs:
        return DiskNeed(0, 0, 0)
    from gridsearch.engine.trained.retention import number_to_keep  # torch: a plan that trains nothing needs none

    lineages = [lineage for pack in packs for lineage in pack.lineages]
    if not all(lineage.lineage_id in parameters for lineage in lineages):
        return None
    weights = {one.lineage_id: _bytes(one.config, parameters[one.lineage_id]) for one in lineages}
    states = {one.lineage_id: weights[one.lineage_id] * _tensors(one.config) for one in lineages}
    stay = {one.lineage_id: states[one.lineage_id] if one.config.shares_prefix else 0 for one in lineages}
    largest = max(weights.values(), default=0)
    kept = number_to_keep(largest) if keep is None else keep
    keeps = largest * min(kept, sum(lineage.trials for lineage in lineages))
    checkpoints = int(min(sum(stay.values()), limit))
    at_once = nlargest(
        workers,
        (
            sum(_COPIES * states[one.lineage_id] + (_READINGS * weights[one.lineage_id] if kept else 0) for one in each)
            for each in (pack.lineages for pack in packs)
        ),
    )
    gathered = min(kept, len(lineages)) * largest
    return DiskNeed(checkpoints, keeps, checkpoints + keeps + gathered + sum(at_once))


def shortage(need: DiskNeed | None, store_path: Path) -> str:
    """Return what to say where a launch may need more than is free; nothing where it has enough, or who knows."""
    free = free_bytes(store_path)
    if need is None or need.most <= free:
        return ""
    return f"checkpoints and weights may take {size_text(need.most)}, and only {size_text(free)} are free: {MORE_ROOM}"


def _bytes(config: TrialConfig, parameters: int) -> int:
    return parameters * (8 if config.precision == "float64" else 4)


def _tensors(config: TrialConfig) -> int:
    """Return how many numbers a checkpoint has for each parameter: itself, what its optimiser keeps, its average."""
    from gridsearch.training.recipe.optimizers import RuleKind

    return 1 + len(RuleKind.of(config).slots) + (config.ema > 0)
