"""Checking a job's recipe against its model and its images before anything runs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from gridsearch.engine.model_checks import MOST_TRIED
from gridsearch.engine.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.errors import JobError, ModelError
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import AUGMENTATIONS, TrialConfig

if TYPE_CHECKING:
    from gridsearch.engine.trying import Tried


def check_recipe(
    job: JobSpec,
    tried: Tried,
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
    _check_freezing(job, tried, configs)
    _check_pretrained(job, tried, configs, pretrained)
    check_features(job, tried, [config for config in configs if config.distillation == "hidden"])


def _check_freezing(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig]) -> None:
    distinct = {(config.freeze, repr(config.hyper)): config for config in configs if config.freeze}
    for config in list(distinct.values())[:MOST_TRIED]:
        with contextlib.suppress(ModelEndedError, NotTriedError):
            if said := tried.freezing_problem(config.hyper, config.freeze):
                raise ModelError(f"{job.document.place(job.trail('freeze'))}: {said}")


def _check_pretrained(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig], files: Mapping[str, Path]) -> None:
    distinct = {(config.pretrained, repr(config.hyper)): config for config in configs if config.pretrained in files}
    for config in list(distinct.values())[:MOST_TRIED]:
        with contextlib.suppress(ModelEndedError, NotTriedError):
            if said := tried.pretrained_problem(config, files[config.pretrained]):
                raise ModelError(f"{job.document.place(job.trail('pretrained'))}: {said}")


def check_features(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig]) -> None:
    """Raise `ModelError` where a model's forward does not call the module whose output is compared with a teacher's."""
    with contextlib.suppress(ModelEndedError, NotTriedError):
        if configs and (said := tried.hidden_problem(configs[0].hyper)):
            raise ModelError(f"{job.document.place(job.trail('distillation'))}: {said}")
