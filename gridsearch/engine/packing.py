"""Cutting the lineages of a plan into packs: longest first, and none so long that workers wait for it at the end."""

from __future__ import annotations

from collections.abc import Sequence

from gridsearch.search.plan import LineagePlan

#: How many packs each worker gets on average: many even out their ends, few keep the cost of handing them out low.
PACKS_PER_WORKER = 8
#: What an epoch costs beside its steps (evaluation, checkpoint), in steps.
EPOCH_OVERHEAD_STEPS = 5


def cost(lineage: LineagePlan) -> int:
    """Return a lineage's expected cost in optimiser steps."""
    return lineage.steps + EPOCH_OVERHEAD_STEPS * lineage.epochs


def make_packs(lineages: Sequence[LineagePlan], workers: int) -> list[list[LineagePlan]]:
    """Return the lineages in packs of neighbouring costs, the most costly packs first.

    No pack of more than one lineage costs more than a `PACKS_PER_WORKER`-th of a worker's share.
    """
    ordered = sorted(lineages, key=cost, reverse=True)
    limit = sum(map(cost, ordered)) / (workers * PACKS_PER_WORKER)
    packs: list[list[LineagePlan]] = []
    room = 0.0
    for lineage in ordered:
        if packs and cost(lineage) <= room:
            packs[-1].append(lineage)
        else:
            packs.append([lineage])
            room = limit
        room -= cost(lineage)
    return packs
