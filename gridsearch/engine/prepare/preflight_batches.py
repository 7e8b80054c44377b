"""Trying a job's model on batches of the sizes that it will meet: of one image, and of what the last batch has."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from gridsearch.config.batches import batch_sizes
from gridsearch.config.job import JobSpec
from gridsearch.config.trial import TrialConfig
from gridsearch.engine.prepare.dooms import Doom, Settings, place_of, settings_key, tried_settings
from gridsearch.engine.prepare.job_models import JobModels
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError
from gridsearch.engine.prepare.preflight_models import MOST_TRIED, named_defaults
from gridsearch.errors import JobError, passed_over
from gridsearch.models.registry import MODELS, settings_text
from gridsearch.quantities import counted

_log = logging.getLogger(__name__)

#: What the last batch depends on, besides the model's settings.
_ABOUT = ("batch_size", "last_batch", "data_seed", "fold", "dataset")
_about = attrgetter(*_ABOUT)


def check_batches(
    job: JobSpec,
    models: JobModels,
    configs: Sequence[TrialConfig],
    train_images: Callable[[TrialConfig], int],
) -> list[Doom]:
    """Return the trials that cannot train on the last batch of an epoch; `JobError` where that are all.

    `train_images` gives the number of a trial's training images. A model that cannot be tried without memory for its
    numbers is left to the workers, and so is one that ends its process. Each model has its own share of tries, and the
    first of the trials come first.
    """
    said: dict[tuple[str, str, str, int], str] = {}
    tries: Counter[str] = Counter()
    failing: dict[tuple[str, int, int, str], list[TrialConfig]] = {}
    lasts: dict[tuple[Any, ...], tuple[int, int]] = {}
    # By model: of users' models one at a time has a process.
    for config in sorted(configs, key=lambda one: job.models.index(one.model)):
        about = _about(config)
        if about not in lasts:  # very many trials have few different ones
            images = train_images(config)
            lasts[about] = images, batch_sizes(images, config.batch_size, config.last_batch)[-1]
        images, size = lasts[about]
        if size > 1 and config.model in MODELS:  # ours look at no batch, but to normalise by it
            continue
        case = (config.dataset, config.model, settings_key(config.hyper), size)
        if case not in said and tries[config.model] < MOST_TRIED:
            tries[config.model] += 1
            said[case] = ""
            with passed_over(
                _log, f"{config.model} was not tried with a last batch of {size}", ModelEndedError, NotTriedError
            ):
                said[case] = models.tried(config.model, config.dataset).batch_problem(config.hyper, size)
        if why := said.get(case):
            failing.setdefault((config.model, config.batch_size, images, why), []).append(config)
    dooms = [
        _doom(job, found, images, why, named_defaults(job, models[name]))
        for (name, _, images, why), found in failing.items()
    ]
    if dooms and sum(map(len, failing.values())) == len(configs):
        raise JobError(f"{dooms[0].place}: {dooms[0].error}; {dooms[0].mend}")
    return dooms


def _doom(job: JobSpec, configs: Sequence[TrialConfig], images: int, why: str, defaults: Settings) -> Doom:
    config = configs[0]
    batch = config.batch_size
    size = batch_sizes(images, batch, config.last_batch)[-1]
    settings = [tried_settings(one, defaults) for one in configs]
    shared = {key: value for key, value in settings[0].items() if all(other.get(key) == value for other in settings)}
    cannot = f"model {config.model!r} cannot train on with {settings_text(shared)} ({why})"
    if batch == size:
        error, mend = f"batch_size: {size} is what {cannot}", "take another batch size"
    else:
        of = counted(size, "image")
        error = (
            f"batch_size: of {images:,} training images, {batch} at a time, the last batch of an epoch has {of}, which"
            f" {cannot}"
        )
        mend = "write last_batch: merge (adds it to the batch before) or drop (leaves it out)"
    return Doom(
        model=config.model,
        place=place_of(job, "batch_size", batch),
        error=error,
        shared=shared | {"batch_size": batch},
        settings=tuple(tried_settings(one, defaults) | {key: getattr(one, key) for key in _ABOUT} for one in configs),
        account=error,
        mend=mend,
        defaults=defaults,
        about=_ABOUT,
    )
