"""Setting up a worker: its device, its threads, and its data, once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch

from gridsearch.engine.executor import WorkerSettings
from gridsearch.errors import EngineError
from gridsearch.training.arrays import to_device
from gridsearch.training.task import Workplace


def choose_device(wanted: str) -> torch.device:
    """Return the device for "auto" (a GPU when there is one), "cpu" or "cuda"; `EngineError` when there is none."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; use --device cpu, or check with: gridsearch doctor")
    return torch.device(wanted)


class WorkplaceMaker:
    """Gives the workplace for a data seed; arrays are put on the device once each and then shared."""

    def __init__(self, settings: WorkerSettings, stop: Callable[[], bool] = lambda: False) -> None:
        torch.set_num_threads(settings.threads)
        self.settings = settings
        self.device = choose_device(settings.device)
        self.stop = stop
        self.at = cache(self._make)

    def _make(self, data_seed: int) -> Workplace:
        split = self.settings.splits[data_seed]
        return Workplace(
            device=self.device,
            train=to_device(split.train_images, split.train_labels, self.device),
            validation=to_device(split.validation_images, split.validation_labels, self.device),
            num_classes=self.settings.num_classes,
            checkpoints=self.settings.checkpoints,
            model_search=self.settings.model_search,
            stop=self.stop,
            keeping=self.settings.keeping,
        )
