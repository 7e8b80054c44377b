"""From a job file to a grid that can be trained: the data loaded and split, the model found, everything checked."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gridsearch.config.job import JobSpec
from gridsearch.config.record import Drawn, JobRecord, Numbers
from gridsearch.config.remarks import remarks
from gridsearch.config.trial import OWN, PretrainedFiles, SplitKey, TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.prepare.data_function import options_of
from gridsearch.engine.prepare.job_data import load_data, names_function
from gridsearch.engine.prepare.job_functions import JobFunctions
from gridsearch.engine.prepare.job_losses import JobLosses
from gridsearch.engine.prepare.job_metrics import check_metrics, check_work, metric_codes
from gridsearch.engine.prepare.job_models import JobModels, check_found, check_rules, left_out
from gridsearch.engine.prepare.model_process import Limits
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.engine.prepare.preflight_data import check_data
from gridsearch.engine.prepare.preflight_schedule import check_warm_up
from gridsearch.engine.prepare.preflight_settings import check_fits, fitted_job
from gridsearch.engine.prepare.preflight_targets import check_targets, job_task, with_default_objective
from gridsearch.engine.prepare.prepared import Prepared, doom_of, drawn_axes, model_folders
from gridsearch.errors import DataError, JobError, ModelError, passed_over
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import MODELS, ModelSignature
from gridsearch.search.grid import Ingredients, expand
from gridsearch.store.contract import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PreparedJob(Prepared):
    """A job that our own loop trains, with its data and its models.

    Attributes:
        dataset: The data set.
        splits: Each division of the images that the grid needs.
        pretrained: The files of weights to start from.
        teacher: The id of the trial that students learn from.
        models: Says what its models take, and answers questions about them.
        functions: Says what the functions that its recipe names take, and tries them.
        losses: Says what the user's losses take.
    """

    dataset: ImageDataset
    splits: dict[SplitKey, SplitDataset]
    pretrained: PretrainedFiles = field(default_factory=dict)
    teacher: str = ""
    models: JobModels = field(repr=False, compare=False)
    functions: JobFunctions = field(repr=False, compare=False)
    losses: JobLosses = field(repr=False, compare=False)

    @property
    def train_images(self) -> int:
        """Return the number of training images; where folds differ by one, the smaller."""
        return self.images()["train"]

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
        """Return for each class, by its name, how many images each part has of it; of several divisions the first.

        Nothing where models are to predict numbers.
        """
        split = next(iter(self.splits.values()))
        classes = self.dataset.num_classes
        if self.dataset.targets == "numbers":
            return {}
        labels = {part: getattr(split, f"{part}_labels") for part in ("train", "validation", "test")}
        if self.dataset.targets == "indicators":
            counts = {part: own.sum(axis=0, dtype=np.int64).tolist() for part, own in labels.items()}
        else:
            counts = {part: np.bincount(own, minlength=classes).tolist() for part, own in labels.items()}
        return {
            name: {part: counts[part][place] for part in counts} for place, name in enumerate(self.dataset.class_names)
        }

    def sources_of(self, model: str) -> Mapping[str, str]:
        """Return the digests of the user's modules that a model consists of."""
        return self.models[model].sources

    def defaults_of(self, model: str) -> Mapping[str, Any]:
        """Return the defaults of a model's settings."""
        return self.models[model].optional

    def record(self) -> JobRecord:
        """Return the resolved job, as a store keeps it."""
        job = self.job
        models = [self.models[name] for name in job.models]
        drawn = job.search and Drawn(random=job.search.random, drawn=self.grid.kept, size=self.grid.size)
        return JobRecord(
            dataset=job.dataset,
            dataset_options=job.dataset_options,
            fingerprint=self.dataset.fingerprint,
            models=job.models,
            description=job.description,
            base=job.base,
            axes=drawn_axes(job, self.grid, self._value),
            fixed=job.fixed,
            model_defaults={model.name: self._defaults(model) for model in models},
            model_sources={model.name: model.sources for model in models},
            loss_defaults=self.losses.defaults(),
            teacher=job.teacher,
            objective=job.objective,
            images=self.images(),
            image_shape=self.dataset.image_shape,
            numbers=self._numbers,
            image_format=job.image_format,
            classes=self.dataset.num_classes,
            class_names=self.dataset.class_names,
            search=drawn,
            repeats=job.repeats,
            repeat_over=job.repeat_over if job.repeats > 1 else "weights",
            folds=job.split.folds,
            constraints=job.constraints,
        )

    @property
    def _numbers(self) -> Numbers | None:
        """Return what the examples are where these are no images of bytes."""
        if self.dataset.has_pixels:
            return None
        low, high = self.dataset.values
        return Numbers(type=self.dataset.train_images.dtype.name, low=low, high=high)

    def _defaults(self, model: ModelSignature) -> dict[str, Any]:
        """Return the plain defaults of a model's settings; of those that are null the ones that the job names."""
        named = self.job.setting_names
        return {k: v for k, v in model.optional.items() if is_plain(v) and (v is not None or k in named)}

    def _value(self, config: TrialConfig, setting: str) -> Any:
        return config.settings().get(setting, self.models[config.model].optional.get(setting))


def prepare(job: JobSpec, data_dir: Path, *, teacher: str = "", limits: Limits | None = None) -> PreparedJob:
    """Load what a job needs, check it against the job and try its models: `load_job`, then `preflight`."""
    return preflight(load_job(job, data_dir, teacher=teacher, limits=limits))


def load_job(job: JobSpec, data_dir: Path, *, teacher: str = "", limits: Limits | None = None) -> PreparedJob:
    """Load what a job needs, expand its grid and check it, all but what its models do; errors name the key to mend.

    `teacher` is the id of the trial that the job's students learn from, if it has any. Users' models are looked at in
    a process of their own, within `limits`.
    """
    models = JobModels(job.models, model_folders(job), limits)
    with _left_on_error(models):
        job, dataset, splits = load_divided(job, data_dir)
        functions = JobFunctions(job, model_folders(job), limits)
        job = functions.claim(job)
        functions.check_settings(models)
        task = job_task(job, dataset)
        job = with_default_objective(job, task)
        check_metrics(job, task, dataset.num_classes)
        _check_data_axes(job, models)
        check_rules(job)
        losses = JobLosses(job, models)
        losses.check_names()
        check_found(job, models)
        signatures = [models[name] for name in job.models]
        job = fitted_job(job, signatures)
        weights = {name: pretrained_files(job, name, data_dir) for name in job.models}
        parts = {name: models.part(name, found.names, found.unusable) for name, found in weights.items()}
        ingredients = Ingredients(
            dataset.fingerprint,
            parts,
            teacher,
            losses.parts(),
            metric_codes(job, models),
            functions=functions.parts,
        )
        grid = expand(job, ingredients)
        check_fits(job, signatures, [trial.config for trial in grid.trials])
        losses.check_values([trial.config for trial in grid.trials])
        models.seen = Seen(dataset.image_shape, dataset.num_classes, dataset.whole)
        files = {key: file for found in weights.values() for key, file in found.files.items()}
        loaded = PreparedJob(
            job,
            grid,
            dataset=dataset,
            splits=splits,
            pretrained=files,
            teacher=teacher,
            models=models,
            functions=functions,
            losses=losses,
            ingredients=ingredients,
        )
        check_targets(job, dataset, splits, [trial.config for trial in grid.trials])
        _check_batch_sizes(loaded)
        check_warm_up(job, [trial.config for trial in grid.trials])
    return loaded


def preflight(loaded: PreparedJob, store: Store | None = None) -> PreparedJob:
    """Try the models of a loaded job, which takes longest and seldom fails; return it with what was found.

    A model that works nowhere is an error; settings under which one does not work are `dooms`. Under which settings
    models of ours have worked, the store's results tell, where there is a store.
    """
    from gridsearch.engine.prepare.preflight_batches import check_batches
    from gridsearch.engine.prepare.preflight_models import check_models, no_results
    from gridsearch.engine.prepare.preflight_recipe import check_recipe

    job, models, grid, splits = loaded.job, loaded.models, loaded.grid, loaded.splits
    with _left_on_error(models):
        chosen = [trial.config for trial in grid.chosen_first]
        loaded.losses.check_works(chosen, loaded.dataset.targets)
        check_work(job, models, loaded.dataset.targets)
        dooms = check_models(job, models, grid, store.states if store else no_results)
        sound = [config for config in chosen if not doom_of(dooms, config)]
        dooms += check_batches(job, models, sound, lambda config: len(splits[config.split_key].indices.train))
        check_data(job, loaded.dataset, chosen)
        check_recipe(job, models, chosen, loaded.pretrained)
        assert models.seen
        loaded.functions.check(chosen, models.seen, lambda one: one.steps_of_epoch(loaded.train_images))
        prepared = replace(loaded, dooms=dooms)
        return replace(prepared, remarks=[*remarks(job), *_model_notes(prepared)])


@contextlib.contextmanager
def _left_on_error(models: JobModels) -> Iterator[None]:
    try:
        yield
    except BaseException:
        models.leave()
        raise


def _model_notes(prepared: PreparedJob) -> list[str]:
    """Return what is odd about users' models, each under the first settings that it works with."""
    found: list[str] = []
    for name in prepared.job.models:
        own = (trial.config for trial in prepared.grid.trials if trial.config.model == name)
        sound = next((config for config in own if not prepared.doom_of(config)), None)
        if name not in MODELS and sound is not None:
            with passed_over(_log, f"{name} was not looked at for oddities", ModelEndedError, NotTriedError):
                found += prepared.models.tried(name).notes(sound.hyper)
    return found


def load_divided(job: JobSpec, data_dir: Path) -> tuple[JobSpec, ImageDataset, dict[SplitKey, SplitDataset]]:
    """Return a job whose split says which validation images are meant, its data set and its divisions.

    `DataError` names the key to mend.
    """
    try:
        dataset = load_data(
            job.dataset,
            folder=data_dir,
            base=job.base,
            image_format=job.image_format,
            options=job.dataset_options,
        )
    except DataError as error:
        # What is wrong with a file's content is about the data set too.
        raise _placed(job, DataError(error.problem, key=error.key or ("dataset",))) from None
    job = with_own_validation(job, dataset)
    return job, dataset, _split_all(job, dataset)


def with_own_validation(job: JobSpec, dataset: ImageDataset) -> JobSpec:
    """Return a job that validates on the images that the data set brings for it, unless it asks for others."""
    asked = job.split.folds is not None or "validation" in job.split.model_fields_set
    if asked or not len(dataset.validation_labels):
        return job
    return replace(job, split=job.split.model_copy(update={"validation": OWN}))


@dataclass(frozen=True)
class StartingWeights:
    """What a model may start from: `names` are what configurations call it, by what the job does, `files` where it is.

    `unusable` says of what the job asks for, and the model cannot start from, why.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    files: PretrainedFiles = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)


def pretrained_files(job: JobSpec, model: str, data_dir: Path) -> StartingWeights:
    """Return what is behind each value of `pretrained` for one of a job's models: files go by their content.

    `ModelError` where an only model cannot start from one; of several it may be left out of that by a rule.
    """
    wanted = [str(value) for value in job.values("pretrained") if value]
    if not wanted:
        return StartingWeights()
    names, files, unusable = {}, {}, {}
    for written in wanted:
        try:
            names[written], file = starting_file(model, written, model_folders(job), data_dir)
            files[model, names[written]] = file
        except ModelError as error:
            said = f"{job.document.place(job.trail('pretrained'))}: {error}"
            if len(job.models) == 1:
                raise ModelError(said) from None
            unusable[written] = f"{said}{left_out(job, model, f'pretrained == {written!r}')}"
    return StartingWeights(names, files, unusable)


def starting_file(model: str, written: str, folders: Sequence[Path], data_dir: Path) -> tuple[str, Path]:
    """Return what a configuration calls the weights that a model starts from, and their file; `ModelError` if none."""
    from gridsearch.models.pretrained import IMAGENET, file_digest, weights_file

    file = weights_file(model, written, folders=folders, data_dir=data_dir)
    return (written if written == IMAGENET else f"sha256:{file_digest(file)}"), file


def _split_all(job: JobSpec, dataset: ImageDataset) -> dict[SplitKey, SplitDataset]:
    written: Sequence[Any] = job.values("data_seed")
    repeats = job.repeats if "data_seed" in job.repeated_seeds else 1
    seeds = [int(seed) + repeat for seed in written for repeat in range(repeats)]
    keys = [SplitKey(seed, fold) for seed in seeds for fold in range(job.split.folds or 1)]
    try:
        return {key: apply_split(dataset, job.split, key.data_seed, key.fold) for key in keys}
    except DataError as error:
        raise _placed(job, error) from None


def _check_data_axes(job: JobSpec, models: JobModels) -> None:
    """Refuse arguments of the data set's function among the settings: a job has one data set."""
    if not names_function(job.dataset, job.base):
        return
    taken = options_of(job.dataset, model_folders(job))
    for key in job.model_settings:
        if key in taken and not any(models.has(name, key) for name in job.models):
            raise JobError(
                f"{job.document.place(job.trail(key))}: {key}: is an argument of {job.dataset}, and a job has one data"
                f" set: write dataset_options: {{{key}: ...}}, and a job for each value"
            )


def _placed(job: JobSpec, error: DataError) -> DataError:
    """Return an error with the place, in the job's file, of the key that it is about."""
    return DataError(f"{job.document.place(error.key)}: {error}", key=())


def _check_batch_sizes(prepared: PreparedJob) -> None:
    job, images = prepared.job, prepared.train_images
    size = max(trial.config.batch_size for trial in prepared.grid.trials)
    if size > images:
        place = job.document.place(job.trail("batch_size"))
        raise JobError(f"{place}: batch_size: {size} is larger than the training set of {images} images")
