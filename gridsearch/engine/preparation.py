"""From a job file to a grid that can be trained: the data loaded and split, the model found, everything checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridsearch.data.catalog import load_dataset
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.errors import DataError, JobError, ModelError
from gridsearch.models.registry import ModelClass, build_model, check_hyperparameters, find_model
from gridsearch.search.grid import Grid, Ingredients, expand
from gridsearch.spec.job import JobSpec
from gridsearch.spec.trial import RECIPE_KEYS
from gridsearch.store.rows import NewTrial


@dataclass(frozen=True)
class PreparedJob:
    """A job with its data, its model and its grid; `splits` has one split for each data seed of the grid."""

    job: JobSpec
    dataset: ImageDataset
    splits: dict[int, SplitDataset]
    model: ModelClass
    grid: Grid

    @property
    def train_images(self) -> int:
        """Return the number of training images, the same for every data seed."""
        return len(next(iter(self.splits.values())).train_labels)

    @property
    def model_search(self) -> tuple[Path, ...]:
        """Return the folders in which the user's own model may lie."""
        return model_folders(self.job)

    def new_trials(self) -> list[NewTrial]:
        """Return the grid as the store takes it."""
        return [NewTrial(t.trial_id, t.lineage_id, t.config.epochs, t.canonical) for t in self.grid.trials]

    def description(self) -> dict[str, Any]:
        """Return the resolved job as JSON values, as `JobRow.spec` documents it."""
        split = next(iter(self.splits.values()))
        objective = self.job.objective
        return {
            "dataset": self.job.dataset,
            "fingerprint": self.dataset.fingerprint,
            "model": self.job.model,
            "description": self.job.description,
            "base": str(self.job.base),
            "axes": [{"name": a.name, "values": list(a.values), "scale": a.scale} for a in self.job.space.axes],
            "fixed": dict(self.job.fixed),
            "defaults": {k: v for k, v in self.model.optional.items() if _is_plain(v)},
            "objective": {"metric": objective.metric, "at": objective.at, "mode": objective.direction},
            "images": {
                "train": len(split.train_labels),
                "validation": len(split.validation_labels),
                "test": len(split.test_labels),
            },
            "image_shape": list(self.dataset.image_shape),
            "classes": self.dataset.num_classes,
        }


def model_folders(job: JobSpec) -> tuple[Path, ...]:
    """Return the folders searched for the user's own model: the job file's, then the current one."""
    return (job.base, Path.cwd())


def prepare(job: JobSpec, data_dir: Path) -> PreparedJob:
    """Load what a job needs and check it against the job; one-line errors name the key to mend."""
    try:
        dataset = load_dataset(job.dataset, folder=data_dir, base=job.base)
    except DataError as error:
        raise DataError(
            f"{job.document.place(('dataset',))}: dataset: {str(error).removeprefix('dataset: ')}"
        ) from None
    splits = _split_all(job, dataset)
    model = _find_model(job)
    defaults = {key: value for key, value in model.optional.items() if _is_plain(value)}
    grid = expand(job, Ingredients(dataset.fingerprint, model.code, defaults))
    prepared = PreparedJob(job, dataset, splits, model, grid)
    _check_batch_sizes(prepared)
    _check_model_builds(prepared)
    return prepared


def _split_all(job: JobSpec, dataset: ImageDataset) -> dict[int, SplitDataset]:
    seeds: Sequence[Any] = next(
        (axis.values for axis in job.space.axes if axis.name == "data_seed"), [job.fixed.get("data_seed", 0)]
    )
    try:
        return {int(seed): apply_split(dataset, job.split, int(seed)) for seed in seeds}
    except DataError as error:
        said = str(error).removeprefix("split: ")
        place = job.document.place(("split", said.partition(":")[0]))
        raise DataError(f"{place}: split: {said}") from None


def _find_model(job: JobSpec) -> ModelClass:
    try:
        model = find_model(job.model, model_folders(job))
    except ModelError as error:
        raise ModelError(f"{job.document.place(('model',))}: {error}") from None
    names = [name for name in job.setting_names if name not in RECIPE_KEYS]
    try:
        check_hyperparameters(model, names)
    except ModelError as error:
        culprit = next((name for name in names if repr(name) in str(error)), None)
        named = job.document.place(job.trail(culprit), key=True) if culprit else job.document.place(("model",))
        place = (named.line and job.document.override(("model",))) or named
        raise ModelError(f"{place}: {error}") from None
    return model


def _check_batch_sizes(prepared: PreparedJob) -> None:
    job = prepared.job
    for trial in prepared.grid.trials:
        size = trial.config.batch_size
        if size > prepared.train_images:
            place = job.document.place(job.trail("batch_size"))
            raise JobError(
                f"{place}: batch_size: {size} is larger than the training set of {prepared.train_images} images"
            )


def _check_model_builds(prepared: PreparedJob) -> None:
    """Build the first point's model without memory for its weights: a wrong argument shows before anything runs."""
    import torch

    shape, classes = prepared.dataset.image_shape, prepared.dataset.num_classes

    def build(hyper: dict[str, Any]) -> None:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            build_model(prepared.model, hyper, image_shape=shape, num_classes=classes)

    job, hyper = prepared.job, prepared.grid.trials[0].config.hyper
    try:
        build(hyper)
    except ModelError as error:
        for axis in (axis for axis in job.space.axes if axis.name in hyper):
            values = list(axis.values)
            try:
                build(hyper | {axis.name: values})
            except ModelError:
                continue
            raise ModelError(
                f"{job.document.place(job.trail(axis.name))}: {axis.name}: a list is an axis, and model"
                f" {job.model!r} takes a list as one value: write [{values}]"
            ) from None
        trails = [job.trail(axis.name) for axis in job.space.axes if axis.name in hyper]
        place = job.document.override(*trails) or job.document.place(("model",))
        raise ModelError(f"{place}: {error}") from None


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (bool, int, float, str)) for item in value)
    return isinstance(value, (bool, int, float, str))
