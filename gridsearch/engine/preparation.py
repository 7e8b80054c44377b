"""From a job file to a grid that can be trained: the data loaded and split, the model found, everything checked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsearch.data.catalog import load_dataset
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.dooms import Doom
from gridsearch.engine.model_process import Limits, ModelProcess
from gridsearch.engine.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.engine.settings_checks import fitted_job
from gridsearch.errors import DataError, JobError, ModelError
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import MODELS, ModelClass, ModelSignature, check_hyperparameters, find_model
from gridsearch.search.grid import Grid, Ingredients, expand
from gridsearch.spec.domains import Axis
from gridsearch.spec.job import JobSpec
from gridsearch.spec.remarks import remarks
from gridsearch.spec.trial import OWN, RECIPE_KEYS, SplitKey, TrialConfig, Value
from gridsearch.store.rows import NewTrial

if TYPE_CHECKING:
    from gridsearch.engine.trying import Tried


@dataclass(frozen=True)
class PreparedJob:
    """A job with its data, its model and its grid; `splits` has each division of the images that the grid needs.

    `pretrained` are the files of weights to start from, by what configurations call them; `teacher` is the id of the
    trial that students learn from. `tried` answers questions about the model, `dooms` are settings whose trials fail,
    `remarks` sentences about what works and is hardly meant so. `ingredients` is what the grid was made of.
    """

    job: JobSpec
    dataset: ImageDataset
    splits: dict[SplitKey, SplitDataset]
    model: ModelSignature
    grid: Grid
    pretrained: Mapping[str, Path] = field(default_factory=dict)
    teacher: str = ""
    dooms: Sequence[Doom] = ()
    remarks: Sequence[str] = ()
    tried: Tried = field(kw_only=True, repr=False, compare=False)
    ingredients: Ingredients = field(kw_only=True, repr=False, compare=False)

    @property
    def train_images(self) -> int:
        """Return the number of training images; where folds differ by one, the smaller."""
        return self.images()["train"]

    @property
    def model_search(self) -> tuple[Path, ...]:
        """Return the folders in which the user's own model may lie."""
        return model_folders(self.job)

    def doom_of(self, config: TrialConfig) -> Doom | None:
        """Return why a trial cannot be trained, where that is known."""
        return doom_of(self.dooms, config)

    def doomed_trials(self, doom: Doom) -> int:
        """Return how many of the trials to train cannot be trained for a reason."""
        return sum(doom.dooms(trial.config) for trial in self.grid.chosen_trials)

    def images(self) -> dict[str, int]:
        """Return how many images each part has, and how many none has where that is more than none."""
        split = min((split.indices for split in self.splits.values()), key=lambda indices: len(indices.train))
        parts = {name: len(getattr(split, name)) for name in ("train", "validation", "test")}
        unused = sum(map(len, self.dataset.labels)) - sum(parts.values())
        return parts | ({"unused": unused} if unused else {})

    @property
    def own_test_use(self) -> str:
        """Say what becomes of the test images that the data set brings itself."""
        if self.job.split.merge:
            return "test images of the data set's own, pooled with its training images before the parts are drawn"
        if self.job.split.test is None:
            return "test images of the data set's own, which are the test part"
        return "test images of the data set's own are not used: split.test draws from its training images"

    @property
    def own_validation_use(self) -> str:
        """Say what becomes of the validation images that the data set brings itself."""
        own, split = "validation images of the data set's own", self.job.split
        if split.folds is None and split.validation == OWN:
            return f"{own}, which are the validation part (split.validation: 0.2 would draw another)"
        if split.merge:
            return f"{own}, pooled with its training and test images before the parts are drawn"
        asked = "split.folds divides" if split.folds else "split.validation draws from"
        return f"{own} are not used: {asked} its training images"

    def class_counts(self) -> dict[str, dict[str, int]]:
        """Return for each class, by its name, how many images each part has of it; of several divisions the first."""
        split = next(iter(self.splits.values()))
        classes = self.dataset.num_classes
        counts = {
            part: np.bincount(getattr(split, f"{part}_labels"), minlength=classes).tolist()
            for part in ("train", "validation", "test")
        }
        return {
            name: {part: counts[part][place] for part in counts} for place, name in enumerate(self.dataset.class_names)
        }

    def new_trials(self) -> list[NewTrial]:
        """Return the grid as the store takes it."""
        return [NewTrial(t.trial_id, t.lineage_id, t.config.epochs, t.canonical) for t in self.grid.trials]

    def description(self) -> dict[str, Any]:
        """Return the resolved job as JSON values, as `JobRow.spec` documents it."""
        job, objective = self.job, self.job.objective
        told: dict[str, Any] = {}
        set_ = job.setting_names
        if job.search:
            told["search"] = {"random": job.search.random, "drawn": self.grid.standing, "size": self.grid.size}
        if job.repeats > 1:
            told |= {"repeats": job.repeats, "repeat_over": job.repeat_over}
        if job.split.folds:
            told["folds"] = job.split.folds
        if limits := job.constraints.limits():
            told["constraints"] = limits
        if image_format := job.image_format.as_json():
            told["image_format"] = image_format
        if self.model.sources:
            told["sources"] = dict(self.model.sources)
        return told | {
            "dataset": self.job.dataset,
            "fingerprint": self.dataset.fingerprint,
            "model": self.job.model,
            "description": self.job.description,
            "base": str(self.job.base),
            "axes": [{"name": a.name, "values": self._values(a), "scale": a.scale} for a in self.job.space.axes],
            "fixed": dict(self.job.fixed),
            "defaults": {k: v for k, v in self.model.optional.items() if is_plain(v) and (v is not None or k in set_)},
            "teacher": self.job.teacher.model_dump() if self.job.teacher else None,
            "objective": {"metric": objective.metric, "at": objective.at, "mode": objective.direction},
            "images": self.images(),
            "image_shape": list(self.dataset.image_shape),
            "classes": self.dataset.num_classes,
            "class_names": list(self.dataset.class_names),
        }

    def _values(self, axis: Axis) -> list[Value]:
        """Return the values of an axis; of a continuous one those drawn."""
        if not axis.continuous:
            return list(axis.values)
        drawn = {
            trial.config.settings().get(axis.name, self.model.optional.get(axis.name)) for trial in self.grid.trials
        }
        return [value for value in axis.values if value in drawn]


def doom_of(dooms: Sequence[Doom], config: TrialConfig) -> Doom | None:
    """Return why a trial cannot be trained, where that is known."""
    return next((doom for doom in dooms if doom.dooms(config)), None)


def model_folders(job: JobSpec) -> tuple[Path, ...]:
    """Return the folders searched for the user's own model: the job file's, then the current one."""
    return (job.base, Path.cwd())


def prepare(
    job: JobSpec,
    data_dir: Path,
    *,
    teacher: str = "",
    once_sound: Callable[[PreparedJob], None] = lambda prepared: None,
    limits: Limits | None = None,
) -> PreparedJob:
    """Load what a job needs and check it against the job; one-line errors name the key to mend.

    `teacher` is the id of the trial that the job's students learn from, if it has any. `once_sound` is called before
    the job's models are tried, which takes longest and seldom fails. A user's model is tried in a process of its own,
    within `limits`.
    """
    # First: it takes seconds to start, in which the data are loaded.
    process = None if job.model in MODELS else ModelProcess(job.model, model_folders(job), limits)
    try:
        return _prepare(job, data_dir, teacher, once_sound, process)
    except BaseException:
        if process:
            process.leave()
        raise


def _prepare(
    job: JobSpec,
    data_dir: Path,
    teacher: str,
    once_sound: Callable[[PreparedJob], None],
    process: ModelProcess | None,
) -> PreparedJob:
    job, dataset, splits = load_divided(job, data_dir)
    model = _find_model(job, process)
    job = fitted_job(job, model)
    defaults = {key: value for key, value in model.optional.items() if is_plain(value)}
    files = pretrained_files(job, data_dir)
    names = {written: name for written, (name, _) in files.items()}
    ingredients = Ingredients(dataset.fingerprint, model.code, defaults, names, teacher, model.version)
    grid = expand(job, ingredients)
    seen = Seen(dataset.image_shape, dataset.num_classes)
    tried = _tried(model, seen, process)
    own_files = dict(files.values())
    prepared = PreparedJob(job, dataset, splits, model, grid, own_files, teacher, tried=tried, ingredients=ingredients)
    _check_batch_sizes(prepared)
    once_sound(prepared)
    from gridsearch.engine.model_checks import check_model

    dooms = check_model(job, model, tried, [trial.config for trial in grid.trials])
    from gridsearch.engine.batch_checks import check_batches
    from gridsearch.engine.recipe_checks import check_recipe

    sound = [trial.config for trial in grid.trials if not doom_of(dooms, trial.config)]
    dooms += check_batches(job, model, tried, sound, lambda config: len(splits[config.split_key].indices.train))
    check_recipe(job, tried, seen, [trial.config for trial in grid.trials], prepared.pretrained)
    prepared = replace(prepared, dooms=dooms)
    return replace(prepared, remarks=[*remarks(job), *(_model_notes(prepared) if process else [])])


def _model_notes(prepared: PreparedJob) -> list[str]:
    """Return what is odd about a user's model under the first settings that it works with."""
    sound = next((trial.config for trial in prepared.grid.trials if not prepared.doom_of(trial.config)), None)
    if sound is not None:
        with contextlib.suppress(ModelEndedError, NotTriedError):
            return prepared.tried.notes(sound.hyper)
    return []


def _tried(model: ModelSignature, seen: Seen, process: ModelProcess | None) -> Tried:
    if process:
        process.seen = seen
        return process
    from gridsearch.engine.trying import TriedHere  # torch: mistakes in the job itself show without it

    assert isinstance(model, ModelClass)
    return TriedHere(model, seen)


def load_divided(job: JobSpec, data_dir: Path) -> tuple[JobSpec, ImageDataset, dict[SplitKey, SplitDataset]]:
    """Return a job whose split says which validation images are meant, its data set and its divisions.

    `DataError` names the key to mend.
    """
    try:
        dataset = load_dataset(job.dataset, folder=data_dir, base=job.base, image_format=job.image_format)
    except DataError as error:
        raise DataError(
            f"{job.document.place(('dataset',))}: dataset: {str(error).removeprefix('dataset: ')}"
        ) from None
    job = with_own_validation(job, dataset)
    return job, dataset, _split_all(job, dataset)


def with_own_validation(job: JobSpec, dataset: ImageDataset) -> JobSpec:
    """Return a job that validates on the images that the data set brings for it, unless it asks for others."""
    asked = job.split.folds is not None or "validation" in job.split.model_fields_set
    if asked or not len(dataset.validation_labels):
        return job
    return replace(job, split=job.split.model_copy(update={"validation": OWN}))


def pretrained_files(job: JobSpec, data_dir: Path) -> dict[str, tuple[str, Path]]:
    """Return, for each value of `pretrained`, what a configuration calls it and the file: files go by their content."""
    wanted = [str(value) for value in job.values("pretrained") if value]
    if not wanted:
        return {}
    from gridsearch.models.pretrained import IMAGENET, file_digest, weights_file

    found = {}
    for written in wanted:
        try:
            file = weights_file(job.model, written, folders=model_folders(job), data_dir=data_dir)
            name = written if written == IMAGENET else f"sha256:{file_digest(file)}"
        except ModelError as error:
            raise ModelError(f"{job.document.place(job.trail('pretrained'))}: {error}") from None
        found[written] = (name, file)
    return found


def _split_all(job: JobSpec, dataset: ImageDataset) -> dict[SplitKey, SplitDataset]:
    written: Sequence[Any] = job.values("data_seed")
    repeats = job.repeats if "data_seed" in job.repeated_seeds else 1
    seeds = [int(seed) + repeat for seed in written for repeat in range(repeats)]
    keys = [SplitKey(seed, fold) for seed in seeds for fold in range(job.split.folds or 1)]
    try:
        return {key: apply_split(dataset, job.split, key.data_seed, key.fold) for key in keys}
    except DataError as error:
        said = str(error).removeprefix("split: ")
        place = job.document.place(("split", said.partition(":")[0]))
        raise DataError(f"{place}: split: {said}") from None


def _find_model(job: JobSpec, process: ModelProcess | None) -> ModelSignature:
    try:
        model = process.signature() if process else find_model(job.model)
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
    job, images = prepared.job, prepared.train_images
    size = max(trial.config.batch_size for trial in prepared.grid.trials)
    if size > images:
        place = job.document.place(job.trail("batch_size"))
        raise JobError(f"{place}: batch_size: {size} is larger than the training set of {images} images")
