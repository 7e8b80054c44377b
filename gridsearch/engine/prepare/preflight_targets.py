"""Holding a job's loss, and the weights of classes in it, against what its data set has models predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gridsearch.config.job import JobSpec
from gridsearch.config.losses import BALANCED
from gridsearch.config.metrics import METRICS
from gridsearch.config.tasks import DEFAULT_METRIC_WITHOUT_CLASSES, Task, contradiction, task_of
from gridsearch.config.trial import SplitKey, TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset
from gridsearch.errors import JobError


def check_targets(
    job: JobSpec,
    datasets: Mapping[str, ImageDataset],
    splits: Mapping[SplitKey, SplitDataset],
    configs: Sequence[TrialConfig],
) -> None:
    """Raise `JobError`, with the place of the key at fault, where a recipe asks for what cannot be learned so.

    `configs` are those of the job's trials, `datasets` the data sets that they are on by their fingerprints.
    """
    for fingerprint, dataset in datasets.items():
        own = [config for config in configs if config.dataset == fingerprint]
        _check_weights(job, dataset, [one for key, one in splits.items() if key.dataset == fingerprint], own)
    if dataset.targets != "classes" and any(config.distillation == "soft" for config in configs):
        raise _error(job, "distillation", "soft compares classes, and the labels are none: write hidden")


def job_task(job: JobSpec, datasets: Iterable[ImageDataset]) -> Task:
    """Return the task of a job; `JobError` where one of its losses is not for the targets of its data sets.

    These are of one kind.
    """
    losses = [str(loss) for loss in job.values("loss")]
    for dataset in datasets:
        for loss in losses:
            if said := contradiction(dataset.targets, loss, outputs=dataset.num_classes, values=_others(dataset)):
                raise _error(job, "loss", said)
    tasks = {task_of(dataset.targets, loss): loss for loss in reversed(losses)}
    if len(tasks) > 1:
        (one, of_one), (other, of_other) = list(tasks.items())[:2]
        said = f"{of_one} is for {one}, and {of_other} for {other}, which are measured differently; give each a job"
        raise _error(job, "loss", said)
    return next(iter(tasks))


def with_default_objective(job: JobSpec, task: Task) -> JobSpec:
    """Return a job that ranks trials by what its task measures, unless it says by what.

    Raises:
        JobError: It says accuracy, and the task has no classes.
    """
    if task == "classification":
        return job
    if "metric" not in job.objective.model_fields_set:
        metric = {"metric": DEFAULT_METRIC_WITHOUT_CLASSES}
        return replace(job, objective=job.objective.model_copy(update=metric))
    if job.objective.metric in METRICS and job.objective.metric.endswith("accuracy"):
        said = f"{job.objective.metric} is of classes, and {task} has none; write val_loss, or one of the metrics"
        raise job.document.error(("objective", "metric"), said)
    return job


def _others(dataset: ImageDataset) -> tuple[float, ...]:
    """Return a target that is neither 0 nor 1, if there is one."""
    for part in dataset.labels:
        odd = part[(part != 0) & (part != 1)]
        if odd.size:
            return (float(odd.flat[0]),)
    return ()


def _check_weights(
    job: JobSpec, dataset: ImageDataset, splits: Iterable[SplitDataset], configs: Sequence[TrialConfig]
) -> None:
    for weights in {repr(one.class_weights): one.class_weights for one in configs}.values():
        if isinstance(weights, list) and len(weights) != dataset.num_classes:
            said = f"has {len(weights)} weights, and the data have {dataset.num_classes} classes; give one for each"
            raise _error(job, "class_weights", said)
    if any(config.class_weights == BALANCED for config in configs):
        for split in splits:
            counts = np.bincount(split.train_labels, minlength=dataset.num_classes)
            if not counts.all():
                name = dataset.class_names[int(counts.argmin())]
                raise _error(
                    job,
                    "class_weights",
                    f"balanced needs an image of each class to train with, and {name!r} has none; write split:"
                    " {stratify: true}, or give a list of weights",
                )


def _error(job: JobSpec, key: str, said: str) -> JobError:
    return JobError(f"{job.document.place(job.trail(key))}: {key}: {said}")
