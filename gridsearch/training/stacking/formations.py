"""What trains lineages, said so that it can be done again: the strategy, who is in it, the device."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

import torch

from gridsearch.config.events import Formation, LineagePlaced, Place
from gridsearch.training.loop.member import Member


def device_kind(device: torch.device) -> str:
    """Return what tells machines apart that add up sums differently: the GPU, or the processor's kind."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def placed(members: Sequence[Member], device: torch.device, strategy: str) -> Iterator[LineagePlaced]:
    """Yield, of each member that is not done, that a strategy trains it with the others from its next epoch on."""
    left = [member for member in members if not member.done]
    if not left:
        return
    places = tuple(Place(one.task.lineage_id, one.next_epoch, one.config.epochs) for one in left)
    formation = Formation(
        strategy,
        device_kind(device),
        torch.get_num_threads(),
        str(torch.__version__),
        () if strategy == "alone" else places,
    )
    for member in left:
        yield LineagePlaced(member.task.lineage_id, member.task.attempt, member.next_epoch, formation)
