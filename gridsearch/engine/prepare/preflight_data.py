"""Holding a job's recipe against its data: what is for images, for pixels in [0, 1], or for floats alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gridsearch.config.job import JobSpec
from gridsearch.config.trial import AUGMENTATIONS, TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.kinds import values_text
from gridsearch.errors import JobError

_IMAGE_DIMENSIONS = 3
_NORMALIZATION = "normalization"


def check_data(job: JobSpec, dataset: ImageDataset, configs: Sequence[TrialConfig]) -> None:
    """Raise `JobError`, with the place of the key at fault, where a recipe asks for what cannot be done with the data.

    `configs` are those of the job's trials.
    """
    _check_normalization(job, dataset, configs)
    _check_augmentation(job, dataset, configs)
    _check_precision(job, dataset, configs)


def _check_normalization(job: JobSpec, dataset: ImageDataset, configs: Sequence[TrialConfig]) -> None:
    written = _NORMALIZATION in job.setting_names
    # Where nobody wrote "scale", numbers are taken as they are.
    asked = {config.normalization for config in configs} - (set() if written else {"scale"})
    said = next((said for kind in sorted(asked) if (said := _normalization_problem(kind, dataset))), "")
    if said:
        # ImageNet's weights bring ImageNet's normalisation along.
        raise _error(job, _NORMALIZATION if written else "pretrained", said)


def _normalization_problem(kind: str, dataset: ImageDataset) -> str:
    """Return why a data set cannot be normalised so, and the mend; nothing where it can."""
    shape = dataset.image_shape
    if dataset.has_pixels:
        if kind == "none":
            return "none is for floats: models see images of bytes in [0, 1]; write scale"
    else:
        (low, high), values = dataset.values, values_text(dataset.train_images, dataset.values)
        if dataset.whole and kind != "none":
            return f"{kind} is not for whole numbers ({values}); leave it out, or save the data as np.float32"
        if kind == "scale" and (low < 0 or high > 1):
            mend = "write none for the numbers as they are, channel to standardise them, or save them divided"
            return f"scale is for pixels in [0, 1], and the data are {values}; {mend}"
        if kind == "imagenet" and (low < 0 or high > 1):
            mend = "write normalization: none where they are normalised already"
            return f"ImageNet's normalisation is for pixels in [0, 1], and the data are {values}; {mend}"
    if kind == "imagenet" and (len(shape) != _IMAGE_DIMENSIONS or shape[0] not in (1, 3)):
        what = f"these have {shape[0]} channels" if len(shape) == _IMAGE_DIMENSIONS else f"{_shape_text(shape)} is none"
        return f"ImageNet's normalisation is for colour images or grey ones, and {what}; write normalization: channel"
    return ""


def _check_augmentation(job: JobSpec, dataset: ImageDataset, configs: Sequence[TrialConfig]) -> None:
    def key_of(asks: Callable[[TrialConfig], object]) -> str | None:
        return next((key for key in AUGMENTATIONS if any(job.values(key))), None) if any(map(asks, configs)) else None

    shape = dataset.image_shape
    if key := key_of(lambda config: config.augments):
        if dataset.whole:
            values = values_text(dataset.train_images, dataset.values)
            raise _error(job, key, f"the data are whole numbers ({values}), not images; leave augmentation out")
        if len(shape) != _IMAGE_DIMENSIONS:
            mend = ", or save images as (N, C, H, W)" if len(shape) == _IMAGE_DIMENSIONS - 1 else ""
            raise _error(job, key, f"{_shape_text(shape)} is no image (C, H, W); leave augmentation out{mend}")
        if min(shape[1:]) == 1:
            rows = f"the data are rows of {shape[1] * shape[2]} numbers, not images"
            raise _error(job, key, f"{rows}; leave augmentation out")
    padding = max(config.crop_padding for config in configs)
    if padding and padding >= min(shape[1:]):
        raise _error(
            job,
            "crop_padding",
            f"{padding} pixels around images of {shape[1]} x {shape[2]} may leave nothing of them; give less than"
            f" {min(shape[1:])}",
        )


def _check_precision(job: JobSpec, dataset: ImageDataset, configs: Sequence[TrialConfig]) -> None:
    """Refuse numbers that float32 does not hold where they would be trained on in it."""
    if dataset.has_pixels or dataset.whole or all(config.precision == "float64" for config in configs):
        return
    largest = max(map(abs, dataset.values))
    if largest > float(np.finfo(np.float32).max):
        raise _error(
            job, "precision", f"the data have numbers of {largest:.4g}, which float32 does not hold; write float64"
        )


def _error(job: JobSpec, key: str, said: str) -> JobError:
    return JobError(f"{job.document.place(job.trail(key))}: {key}: {said}")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"an example of the shape {shape}"
