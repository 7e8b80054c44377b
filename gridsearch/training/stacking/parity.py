"""Proving a strategy on the very members it is about to train: what users' models do cannot be known by reading them.

A trace shows one path of a forward, equal attributes say nothing of globals, and a buffer may be replaced instead of
changed. So before a strategy is used, it makes a few steps in float64, on batches of two sizes, and evaluates in
batches of two sizes, and every member does the same alone, built anew just before. Those that differ are trained alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from gridsearch.config.batches import batch_sizes
from gridsearch.errors import one_line
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.member import Member, State
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.randomness import derive, seed_everything
from gridsearch.training.stacking.autotune import is_out_of_memory, refuse
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.sequential import Single

#: How many images a batch of the proof has at most.
IMAGES = 16
#: How many batches make one of its steps at most: that they are added up shows with two.
BATCHES = 2
TOLERANCE = 1e-8
#: The learning rate of the first member; no other has the same. Their own would prove nothing more, and a rate of a
#: million would make a difference of the last digit a large one.
RATE = 0.01


def proved(strategy: type[Strategy], members: Sequence[Member], context: WorkerContext) -> list[bool] | None:
    """Return of each member whether it gets by a strategy the numbers it gets alone; of none where the strategy raises.

    None where the memory does not hold all of them.
    """
    batch = min(IMAGES, members[0].config.batch_size)
    rates = [_sane_rate(member, slot / len(members)) for slot, member in enumerate(members)]
    batches = strategy.proof_steps * min(BATCHES, members[0].config.accumulate)
    try:
        exact = _in_float64(context, batch, batches)
        fresh = [charged(_fresh)(member, context) for member in members]
        together = charged(_together)(strategy, fresh, exact, rates, batch)
    except Exception as error:  # whatever is wrong with it will be told of by the training alone
        if is_out_of_memory(error):
            return None
        refuse(strategy.__name__.lower(), members, one_line(error))
        return [False] * len(members)
    agreed = [
        _agrees(numbers, member, (context, exact), rate, batch)
        for numbers, member, rate in zip(together, members, rates, strict=True)
    ]
    if others := [member for member, agrees in zip(members, agreed, strict=True) if not agrees]:
        refuse(
            strategy.__name__.lower(), others, f"of {len(members)}, these give other numbers than when trained alone"
        )
    return agreed


def _agrees(
    numbers: State, member: Member, contexts: tuple[WorkerContext, WorkerContext], rate: float, batch: int
) -> bool:
    context, exact = contexts
    try:
        (alone,) = charged(_together)(Single, [charged(_fresh)(member, context)], exact, [rate], batch)
    except Exception as error:  # as above
        refuse("alone", [member], one_line(error))
        return False
    return _same(numbers, alone)


def _sane_rate(member: Member, share: float) -> float:
    """Return a rate at which neither the loss nor a penalty throws weights far away."""
    return RATE * (1 + share) / (1 + member.config.weight_decay + member.config.l1)


def _fresh(member: Member, context: WorkerContext) -> Member:
    """Return the member as it begins, its model built anew and in float64."""
    twin = member.begun_anew(context)
    twin.module.double()
    return twin


def _together(
    made: type[Strategy], members: Sequence[Member], context: WorkerContext, rates: Sequence[float], batch: int
) -> list[State]:
    """Return each model's state after the steps by a strategy, and its logits in them and then."""
    strategy, arrays = made(members), context.train
    strategy.accumulate = min(BATCHES, strategy.accumulate)
    seed_everything(derive(strategy.configs[0].seed, "draws", 1))
    strategy.start_epoch([[rate] for rate in rates])
    every = torch.arange(len(arrays), device=context.device)
    images = arrays.normalized(arrays.images)
    # `changed`, as what the teacher says of just these few images is not worth keeping.
    steps = strategy.train_chunk(
        images, context.targets(every, arrays.images, changed=True), batch_sizes(len(images), batch)
    )
    whole = strategy.logits(arrays.normalized(arrays.images.clone()))
    parts = torch.cat([strategy.logits(part.clone()) for part in torch.split(images, batch)], dim=1)
    return [
        {**state, "while training": steps[slot], "evaluated": whole[slot], "in batches": parts[slot]}
        for slot, state in enumerate(strategy.states())
    ]


def _same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True) for name in other
    )


def _in_float64(context: WorkerContext, batch: int, batches: int) -> WorkerContext:
    """Return a place with so many images that the last batch is smaller than the others, but no single image."""
    smaller = batch // 2 + 1 if batch > 2 else 0
    images = min(batches * batch + smaller, len(context.train))
    part, pixels, _ = next(context.train.chunks(torch.arange(images), images))
    exact, labels = (one.double() if one.is_floating_point() else one for one in (pixels, context.train.labels[part]))
    return replace(context, train=replace(context.train, images=exact, labels=labels))
