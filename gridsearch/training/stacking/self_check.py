"""Whether each strategy gets on this machine the numbers that a model gets alone: a small proof on models of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gridsearch.config.trial import TrialConfig
from gridsearch.models.seeding import RandomStates
from gridsearch.training.arrays import DeviceArrays
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.stacking.autotune import STRATEGIES, refusals
from gridsearch.training.stacking.parity import proved

_CLASSES, _IMAGES = 10, 80
#: A model that each strategy is for; compiled code is proved by the strategy that it compiles.
_TRIED: dict[str, tuple[str, dict[str, Any]]] = {
    "concatenated": ("shallow", {"neurons": 8}),
    "stacked": ("cnn", {"filters": [4, 4]}),
    "graphed": ("cnn", {"filters": [4, 4]}),
}


def unusable_strategies(device: torch.device) -> dict[str, str]:
    """Return for each strategy tried why it is refused on a device; nothing where it gets what a model gets alone.

    The global generators are left as they were.
    """
    before = RandomStates.now()
    try:
        return {
            strategy: _why_refused(strategy, device)
            for strategy in _TRIED
            if strategy != "graphed" or device.type == "cuda"
        }
    finally:
        before.restore()


def _why_refused(strategy: str, device: torch.device) -> str:
    model, hyper = _TRIED[strategy]
    config = TrialConfig(dataset="", model=model, hyper=hyper, batch_size=16, epochs=1, learning_rate=0.1)
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (_IMAGES, 1, 28, 28), generator=draws, dtype=torch.uint8).to(device)
    labels = torch.randint(0, _CLASSES, (_IMAGES,), generator=draws).to(device)
    arrays = DeviceArrays(images, labels)
    context = WorkerContext(device, arrays, arrays, _CLASSES, Path("no-checkpoints"))
    with refusals() as found:
        configs = [config.model_copy(update={"seed": seed}) for seed in range(3)]
        members = [Member(LineageTask(f"{one.seed}", 0, one, -1), context) for one in configs]
        if proved(STRATEGIES[strategy], members, context) is None:
            return "there is not enough memory for three small models"
    return found[0].why if found else ""
