"""Checking a job's recipe against its model and its images before anything runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridsearch.engine.model_checks import MOST_TRIED
from gridsearch.engine.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.errors import JobError, ModelError
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import AUGMENTATIONS, TrialConfig

if TYPE_CHECKING:
    from gridsearch.engine.trying import Tried


def check_recipe(job: JobSpec, tried: Tried, seen: Seen, configs: Sequence[TrialConfig]) -> None:
    """Raise a one-line error, with the place of the key at fault, when a recipe asks for what cannot be done.

    A model that cannot be built without numbers is left to the workers.
    """
    _, height, width = seen.image_shape
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
    check_features(job, tried, [config for config in configs if config.distillation == "hidden"])


def _check_freezing(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig]) -> None:
    distinct = {(config.freeze, repr(config.hyper)): config for config in configs if config.freeze}
    for config in list(distinct.values())[:MOST_TRIED]:
        with contextlib.suppress(ModelEndedError, NotTriedError):
            if said := tried.freezing_problem(config.hyper, config.freeze):
                raise ModelError(f"{job.document.place(job.trail('freeze'))}: {said}")


def check_features(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig]) -> None:
    """Raise `ModelError` where a model's forward does not call the module whose output is compared with a teacher's."""
    with contextlib.suppress(ModelEndedError, NotTriedError):
        if configs and (said := tried.hidden_problem(configs[0].hyper)):
            raise ModelError(f"{job.document.place(job.trail('distillation'))}: {said}")
