"""Checking a job's recipe against its model and its images before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch

from gridsearch.engine.model_checks import MOST_TRIED, Seen
from gridsearch.errors import JobError, ModelError
from gridsearch.models.freezing import freeze
from gridsearch.models.pretrained import fitting_tensors
from gridsearch.models.registry import ModelClass, build_model
from gridsearch.models.seeding import random_states_kept
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import AUGMENTATIONS, TrialConfig
from gridsearch.training.distillation import HIDDEN, captured_hidden


def check_recipe(
    job: JobSpec,
    model: ModelClass,
    seen: Seen,
    configs: Sequence[TrialConfig],
    pretrained: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    """Raise a one-line error, with the place of the key at fault, when a recipe asks for what cannot be done.

    `pretrained` are the files of weights to start from, by what configurations call them. A model that cannot be built
    without numbers is left to the workers.
    """
    channels, height, width = seen.image_shape
    if channels not in (1, 3) and any(config.normalization == "imagenet" for config in configs):
        key = "normalization" if "normalization" in job.setting_names else "pretrained"
        raise JobError(
            f"{job.document.place(job.trail(key))}: {key}: ImageNet's normalisation is for colour images or grey ones,"
            f" and these have {channels} channels; write normalization: channel"
        )
    if min(height, width) == 1 and any(config.augments for config in configs):
        key = next(key for key in AUGMENTATIONS if any(job.values(key)))
        raise JobError(
            f"{job.document.place(job.trail(key))}: {key}: the data are rows of {height * width} numbers, not images;"
            " leave augmentation out"
        )
    padding = max(config.crop_padding for config in configs)
    if padding >= min(height, width):
        raise JobError(
            f"{job.document.place(job.trail('crop_padding'))}: crop_padding: {padding} pixels around images of"
            f" {height} x {width} may leave nothing of them; give less than {min(height, width)}"
        )
    _check_freezing(job, model, seen, configs)
    _check_pretrained(job, model, seen, configs, pretrained)
    check_features(job, model, seen, [config for config in configs if config.distillation == "hidden"])


def _check_freezing(job: JobSpec, model: ModelClass, seen: Seen, configs: Sequence[TrialConfig]) -> None:
    distinct = {(config.freeze, repr(config.hyper)): config for config in configs if config.freeze}
    for config in list(distinct.values())[:MOST_TRIED]:
        if (built := _built(model, seen, config)) is None:
            continue
        try:
            freeze(built, config.freeze)
        except ModelError as error:
            raise ModelError(f"{job.document.place(job.trail('freeze'))}: {error}") from None


def _check_pretrained(
    job: JobSpec, model: ModelClass, seen: Seen, configs: Sequence[TrialConfig], files: Mapping[str, Path]
) -> None:
    distinct = {(config.pretrained, repr(config.hyper)): config for config in configs if config.pretrained in files}
    for config in list(distinct.values())[:MOST_TRIED]:
        if (built := _built(model, seen, config)) is None:
            continue
        try:
            fitting_tensors(built, model.name, files[config.pretrained])
        except ModelError as error:
            raise ModelError(f"{job.document.place(job.trail('pretrained'))}: {error}") from None


def check_features(job: JobSpec, model: ModelClass, seen: Seen, configs: Sequence[TrialConfig]) -> None:
    """Raise `ModelError` where a model's forward does not call the module whose output is compared with a teacher's."""
    if not configs or (built := _built(model, seen, configs[0])) is None:
        return
    try:
        with captured_hidden(built, wanted=True) as found, torch.no_grad():
            built.eval()(torch.zeros(2, *seen.image_shape, device="meta"))
    except ModelError as error:
        raise ModelError(f"{job.document.place(job.trail('distillation'))}: {error}") from None
    if len(found) != 1:
        raise ModelError(
            f"{job.document.place(job.trail('distillation'))}: distillation: hidden needs a forward that calls"
            f" {HIDDEN!r} once; that of model {model.name!r} calls it {len(found)} times"
        )


def _built(model: ModelClass, seen: Seen, config: TrialConfig) -> torch.nn.Module | None:
    try:
        with random_states_kept(), torch.device("meta"):
            return build_model(
                model,
                config.hyper,
                image_shape=seen.image_shape,
                num_classes=seen.num_classes,
                version=config.version,
            )
    except Exception:  # whatever needs numbers in its constructor
        return None
