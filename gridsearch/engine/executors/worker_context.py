"""Setting up a worker: its device, its threads, and its data, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import torch

from gridsearch.config.trial import SplitKey, TrialConfig
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.errors import EngineError
from gridsearch.training.arrays import DeviceArrays, pixel_type, to_device
from gridsearch.training.distillation import Teacher
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.member import drawn_model
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.arithmetic import EXACT
from gridsearch.training.recipe.normalization import make_normalizer


def choose_device(wanted: str) -> torch.device:
    """Return the device for "auto" (a GPU when there is one), "cpu" or "cuda"; `EngineError` when there is none."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; use --device cpu, or check with: gridsearch doctor")
    return torch.device(wanted)


#: How many divisions of the images a worker keeps on its device: each is a copy, and packs stay with one for long.
KEPT = 3


class WorkerContexts:
    """Gives the context for a configuration; the latest divisions stay on the device and are shared."""

    def __init__(self, settings: WorkerSettings, stop: Callable[[], bool] = lambda: False) -> None:
        torch.set_num_threads(settings.threads)
        self.settings = settings
        self.device = choose_device(settings.device)
        EXACT.hold()
        self.stop = stop
        self._arrays = lru_cache(KEPT)(self._load)
        self._places = lru_cache(KEPT)(self._make)

    def at(self, config: TrialConfig) -> WorkerContext:
        """Return the place to train under a configuration."""
        dtype = pixel_type(config.precision)
        return self._places(config.split_key, dtype, config.normalization, config.teacher, config.distillation)

    def _load(self, key: SplitKey, dtype: torch.dtype) -> tuple[DeviceArrays, DeviceArrays]:
        """Return the training and the validation images, not normalised."""
        split = self.settings.splits[key]
        return (
            to_device(split.train_images, split.train_labels, self.device, dtype),
            to_device(split.validation_images, split.validation_labels, self.device, dtype),
        )

    def _make(
        self, key: SplitKey, dtype: torch.dtype, normalization: str, teacher: str, distillation: str
    ) -> WorkerContext:
        train, validation = self._arrays(key, dtype)
        normalizer = make_normalizer(normalization, train.images, as_given=train.as_given)
        context = WorkerContext(
            device=self.device,
            train=replace(train, normalizer=normalizer),
            validation=replace(validation, normalizer=normalizer),
            num_classes=self.settings.num_classes,
            checkpoints=self.settings.checkpoints,
            model_search=self.settings.model_search,
            stop=self.stop,
            retention=self.settings.retention,
            objective=self.settings.objective,
            pretrained=self.settings.pretrained,
        )
        return replace(context, teacher=self._teacher(teacher, distillation, context)) if teacher else context

    def _teacher(self, trial_id: str, distillation: str, context: WorkerContext) -> Teacher:
        file = self.settings.teachers[trial_id]
        model = charged(drawn_model)(file.config, context)
        model.load_state_dict(torch.load(file.weights, weights_only=True))
        normalizer = file.normalizer.to(self.device) if file.normalizer else None
        mixed = file.config.precision == "mixed"
        return Teacher(model.to(self.device), normalizer, distillation, mixed=mixed)
