"""Trying a job's model on batches of the sizes that it will meet: of one image, and of what the last batch has."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from gridsearch.engine.model_checks import MOST_TRIED
from gridsearch.engine.model_questions import ModelEndedError, NotTriedError
from gridsearch.errors import JobError
from gridsearch.models.registry import MODELS, settings_text
from gridsearch.spec.batches import batch_sizes
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import TrialConfig

if TYPE_CHECKING:
    from gridsearch.engine.trying import Tried


def check_batches(job: JobSpec, tried: Tried, configs: Sequence[TrialConfig], train_images: Collection[int]) -> None:
    """Raise `JobError`, with the place of the key at fault, where a model cannot train on the last batch of an epoch.

    `train_images` are the numbers of training images of the divisions. A model that cannot be tried without memory for
    its numbers is left to the workers, and so is one that ends its process.
    """
    wanted: dict[tuple[str, int], tuple[TrialConfig, int]] = {}
    for config in configs:
        for images in train_images:
            size = batch_sizes(images, config.batch_size, config.last_batch)[-1]
            if size == 1 or job.model not in MODELS:  # ours look at no batch, but to normalise by it
                wanted.setdefault((repr(config.hyper), size), (config, images))
    with contextlib.suppress(NotTriedError):
        for (_, size), (config, images) in list(wanted.items())[:MOST_TRIED]:
            with contextlib.suppress(ModelEndedError):
                if said := tried.batch_problem(config.hyper, size):
                    raise _refusal(job, config, images, size, said)


def _refusal(job: JobSpec, config: TrialConfig, images: int, size: int, said: str) -> JobError:
    place = job.document.place(job.trail("batch_size"))
    model = f"model {job.model!r} cannot train on with {settings_text(config.hyper)} ({said})"
    if config.batch_size == size:
        return JobError(f"{place}: batch_size: {size} is what {model}; take another batch size")
    of = "1 image" if size == 1 else f"{size} images"
    return JobError(
        f"{place}: batch_size: of {images:,} training images, {config.batch_size} at a time, the last batch of an epoch"
        f" has {of}, which {model}; write last_batch: merge (adds it to the batch before) or drop (leaves it out)"
    )
