"""Training a lineage again as it was trained: by the same strategy, in the same place beside the same shapes.

By a strategy no model's numbers depend on another's, but on how many there are and of which shapes, for sums are added
up accordingly. So the others are there as stand-ins, with whatever weights their seeds give them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gridsearch.config.events import EpochRecord
from gridsearch.config.trial import TrialConfig
from gridsearch.training.loop.epochs import do_epoch, is_finite, may_stay, together_until
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.stacking.autotune import ALONE, STRATEGIES
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.sequential import Single


@dataclass(frozen=True)
class Neighbour:
    """Who is in a place of a strategy: its configuration, and the first and the last epoch it was trained there."""

    lineage_id: str
    config: TrialConfig
    first: int
    last: int


def repeat(
    member: Member, strategy: str, neighbours: Sequence[Neighbour], context: WorkerContext, last: int
) -> Iterator[EpochRecord]:
    """Train a member up to its epoch `last` by a strategy, as one of its neighbours; the member itself is one of them.

    Ends early where a loss is not finite.
    """
    if strategy == ALONE:
        member.rebuild(context)
    made: Strategy | None = None
    inside: list[Neighbour] = []
    models: list[Member] = []
    stand_ins: dict[str, Member] = {member.task.lineage_id: member}
    while (epoch := member.next_epoch) <= last:
        alive = [one for one in neighbours if max(one.first, epoch) <= one.last]
        until = together_until([max(one.first, epoch) for one in alive])
        active = [one for one in alive if one.first <= until]
        early = any(one.first > epoch for one in active)
        if made is None or early or not may_stay(made, inside, active):
            for one in active:
                if one.lineage_id not in stand_ins:
                    stand_ins[one.lineage_id] = _stand_in(one, context)
            own = (stand_ins[one.lineage_id] for one in active)
            models = [one if one is member else one.standing_in(member) for one in own]
            for model in models:
                model.history = member.history
            made, inside = (Single if strategy == ALONE else STRATEGIES[strategy])(models), active
        records, states = do_epoch(made, models, context, epoch, trained=len(models))
        slot = models.index(member)
        yield records[slot]
        if not is_finite(records[slot]):
            return
        member.advance(records[slot], states[slot])
        if early:
            made = None


def _stand_in(neighbour: Neighbour, context: WorkerContext) -> Member:
    # Weights to start from may be gone since, and nobody asks what a stand-in learns.
    config = neighbour.config.model_copy(update={"pretrained": ""})
    return Member(LineageTask(neighbour.lineage_id, 0, config, -1), context)
