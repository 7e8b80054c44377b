"""Cutting the lineages of a plan into packs: what can be trained as one together, and yet work for every worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

from gridsearch.search.plan import LineagePlan

if TYPE_CHECKING:
    from gridsearch.training.stacking.grouping import StackGroup
    from gridsearch.training.stacking.profile import Profile

#: What a step costs however little it computes, and how much is computed in a second on one core: rough figures, used
#: only to balance packs. What a strategy really takes is measured by the worker that trains the pack.
STEP_SECONDS, FLOPS_PER_SECOND = 2e-4, 3e10
#: A training step computes about three times what a forward pass does.
PASSES = 3
#: What an epoch costs beside its steps (evaluation, checkpoint), in steps.
EPOCH_OVERHEAD_STEPS = 5
#: How many lineages a pack has at most unless asked otherwise: more gain nothing and make every epoch's end long.
LARGEST = 256
#: How many images of a proof are in a batch at most (`training.stacking.parity`), and of how many layers the outputs
#: are there at once where nothing is kept: what goes in and comes out, and a stack's copies of both.
IMAGES_OF_A_PROOF, LAYERS_AT_ONCE = 16, 4
#: How many bundles of short packs a worker gets on average: many even out their ends, few cost less to hand out.
BUNDLES_PER_WORKER = 8
#: Packs are cut for the sake of idle workers only if all are done this much sooner.
WORTH_CUTTING = 0.9
#: How many cuts are looked at for each worker.
MOST_CUTS = 4


@dataclass(frozen=True)
class LineageCost:
    """What packing must know about a lineage: its kind (see `training.stacking.grouping`) and its model's size."""

    stack_group: StackGroup
    profile: Profile


@dataclass(frozen=True)
class PlannedPack:
    """Lineages that a worker gets together, and what they are expected to take.

    `stack_group` is None for a training of the user's own.
    """

    lineages: tuple[LineagePlan, ...]
    stack_group: StackGroup | None
    seconds: float
    bytes: int


def make_packs(
    lineages: Sequence[LineagePlan],
    costs: Callable[[LineagePlan], LineageCost],
    *,
    workers: int,
    largest: int | None = None,
    memory: int | None = None,
) -> list[PlannedPack]:
    """Return the lineages in packs of one stack group each, those that take longest first.

    No pack holds more than `largest` lineages or is expected to need more than `memory` bytes. Packs are cut further
    where workers would be idle and all would be done sooner. In a pack lineages stand in the order given, however far
    each has come: going on, a pack of the same lineages is the same pack.
    """
    found = {lineage.lineage_id: costs(lineage) for lineage in lineages}

    def of(lineage: LineagePlan) -> LineageCost:
        return found[lineage.lineage_id]

    groups: defaultdict[StackGroup, list[LineagePlan]] = defaultdict(list)
    for lineage in sorted(lineages, key=lambda lineage: (lineage.start, lineage.config.epochs)):
        groups[of(lineage).stack_group].append(lineage)
    packs = [_pack(part, of) for group in groups.values() for part in _fitting(group, of, largest, memory)]
    order = {lineage.lineage_id: place for place, lineage in enumerate(lineages)}
    return [
        replace(pack, lineages=tuple(sorted(pack.lineages, key=lambda lineage: order[lineage.lineage_id])))
        for pack in _balanced(packs, of, workers)
    ]


def bundles(packs: Sequence[PlannedPack], workers: int) -> list[list[tuple[LineagePlan, ...]]]:
    """Return the lineages of packs, longest first, short ones bundled: handing one out costs time too.

    No bundle of several packs takes more than a `BUNDLES_PER_WORKER`-th of a worker's share.
    """
    limit = sum(pack.seconds for pack in packs) / (workers * BUNDLES_PER_WORKER)
    bundled: list[list[tuple[LineagePlan, ...]]] = []
    room = 0.0
    for pack in packs:
        if bundled and pack.seconds <= room:
            bundled[-1].append(pack.lineages)
        else:
            bundled.append([pack.lineages])
            room = limit
        room -= pack.seconds
    return bundled


def _fitting(
    group: Sequence[LineagePlan], of: Callable[[LineagePlan], LineageCost], largest: int | None, memory: int | None
) -> list[Sequence[LineagePlan]]:
    """Cut a group into parts that keep the limits, or have one lineage; parts as even as the limits let them be."""
    largest = largest or LARGEST
    parts = -(-len(group) // largest)
    while True:
        size = -(-len(group) // parts)
        cut = [group[at : at + size] for at in range(0, len(group), size)]
        if size == 1 or all(len(part) <= largest and (memory is None or _bytes(part, of) <= memory) for part in cut):
            return cut
        parts += 1


def _balanced(
    packs: Sequence[PlannedPack], of: Callable[[LineagePlan], LineageCost], workers: int
) -> list[PlannedPack]:
    """Cut the pack that takes longest again and again; return the first state that is about as good as the best."""
    states = [sorted(packs, key=lambda pack: -pack.seconds)]
    while (longest := states[-1][:1]) and len(longest[0].lineages) > 1 and len(states) <= MOST_CUTS * workers:
        members = longest[0].lineages
        halves = [_pack(half, of) for half in (members[::2], members[1::2])]
        states.append(sorted([*halves, *states[-1][1:]], key=lambda pack: -pack.seconds))
    makespans = [_makespan(state, workers) for state in states]
    return next(state for state, span in zip(states, makespans, strict=True) if WORTH_CUTTING * span <= min(makespans))


def _makespan(packs: Sequence[PlannedPack], workers: int) -> float:
    """Return when the last worker is done if each takes the next pack as it becomes free."""
    busy = [0.0] * workers
    heapify(busy)
    for pack in packs:
        heapreplace(busy, busy[0] + pack.seconds)
    return max(busy)


def _pack(lineages: Sequence[LineagePlan], of: Callable[[LineagePlan], LineageCost]) -> PlannedPack:
    return PlannedPack(tuple(lineages), of(lineages[0]).stack_group, _seconds(lineages, of), _bytes(lineages, of))


def _seconds(lineages: Sequence[LineagePlan], of: Callable[[LineagePlan], LineageCost]) -> float:
    steps = [lineage.steps + EPOCH_OVERHEAD_STEPS * lineage.epochs for lineage in lineages]
    computing = sum(
        PASSES * of(lineage).profile.flops * lineage.config.batch_size / FLOPS_PER_SECOND * count
        for lineage, count in zip(lineages, steps, strict=True)
    )
    return max(steps) * STEP_SECONDS + computing


def _bytes(lineages: Sequence[LineagePlan], of: Callable[[LineagePlan], LineageCost]) -> int:
    """Return the expected memory: that of training, of evaluating or of proving the strategy, whichever is most.

    Each takes weights, gradients and two slots of the optimiser, with an average that and the weights while the average
    is evaluated, and what its batch keeps; a proof does in float64.
    """
    training = proof = states = evaluated = one = stack = 0.0
    for lineage in lineages:
        profile, batch = of(lineage).profile, lineage.config.batch_size
        wide = 2 if lineage.config.precision == "float64" else 1
        state = 4 * (4 + 2 * (lineage.config.ema > 0)) * profile.parameters
        training += wide * (state + 2 * profile.saved_bytes * batch)
        proof += 2 * (state + 2 * profile.saved_bytes * min(IMAGES_OF_A_PROOF, batch))
        states += wide * state
        evaluated += wide * profile.evaluation_bytes
        one, stack = max(one, wide * profile.evaluation_bytes), max(stack, wide * profile.stack_bytes)
    evaluation = states + LAYERS_AT_ONCE * max(one, min(evaluated, stack))
    return int(max(training, evaluation, proof if len(lineages) > 1 else 0.0))
