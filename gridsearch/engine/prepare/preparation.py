"""From a job file to a grid that can be trained: the data loaded and split, the model found, everything checked."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gridsearch.config.job import JobSpec
from gridsearch.config.record import Drawn, JobRecord, MadeDataset, Numbers
from gridsearch.config.remarks import remarks
from gridsearch.config.trial import OWN, PretrainedFiles, SplitKey, TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset
from gridsearch.engine.prepare.job_datasets import JobDatasets, with_own_validation
from gridsearch.engine.prepare.job_functions import JobFunctions
from gridsearch.engine.prepare.job_losses import JobLosses
from gridsearch.engine.prepare.job_metrics import check_metrics, check_work, metric_codes
from gridsearch.engine.prepare.job_models import JobModels, check_found, check_rules, left_out
from gridsearch.engine.prepare.model_channel import Limits
from gridsearch.engine.prepare.model_questions import ModelEndedError, NotTriedError, Seen
from gridsearch.engine.prepare.preflight_data import check_data
from gridsearch.engine.prepare.preflight_schedule import check_warm_up
from gridsearch.engine.prepare.preflight_settings import check_fits, fitted_job
from gridsearch.engine.prepare.preflight_targets import check_targets, job_task, with_default_objective
from gridsearch.engine.prepare.prepared import Prepared, doom_of, drawn_axes, model_folders
from gridsearch.errors import JobError, ModelError, passed_over
from gridsearch.models.plain import is_plain
from gridsearch.models.registry import MODELS, ModelSignature
from gridsearch.search.grid import Ingredients, expand
from gridsearch.store.contract import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PreparedJob(Prepared):
    """A job that our own loop trains, with its data and its models.

    Attributes:
        datasets: The data sets by their fingerprints: one, or one for each combination of those settings that are
            arguments of the function that makes it.
        data: Says which settings each is made with.
        splits: Each division of the images that the grid needs.
        pretrained: The files of weights to start from.
        teacher: The id of the trial that students learn from.
        models: Says what its models take, and answers questions about them.
        functions: Says what the functions that its recipe names take, and tries them.
        losses: Says what the user's losses take.
    """

    datasets: Mapping[str, ImageDataset]
    data: JobDatasets = field(repr=False, compare=False)
    splits: dict[SplitKey, SplitDataset]
    pretrained: PretrainedFiles = field(default_factory=dict)
    teacher: str = ""
    models: JobModels = field(repr=False, compare=False)
    functions: JobFunctions = field(repr=False, compare=False)
    losses: JobLosses = field(repr=False, compare=False)

    @property
    def dataset(self) -> ImageDataset:
        """Return the data set; of several the first, which has the classes and the parts of all."""
        return next(iter(self.datasets.values()))

    def train_images(self, config: TrialConfig) -> int:
        """Return the number of training images of a trial; where folds differ by one, the smaller."""
        return self.images(config.dataset)["train"]

    def images(self, dataset: str = "") -> dict[str, int]:
        """Return how many images each part has, and how many none has where that is more than none.

        `dataset` is the fingerprint of one of several data sets; without it, of the first.
        """
        return self._counts[dataset or self.dataset.fingerprint]

    @cached_property
    def _counts(self) -> dict[str, dict[str, int]]:
        counts = {}
        for fingerprint, dataset in self.datasets.items():
            divisions = [one.indices for key, one in self.splits.items() if key.dataset == fingerprint]
            split = min(divisions, key=lambda indices: len(indices.train))
            parts = {name: len(getattr(split, name)) for name in ("train", "validation", "test")}
            unused = sum(map(len, dataset.labels)) - sum(parts.values())
            counts[fingerprint] = parts | ({"unused": unused} if unused else {})
        return counts

    @property
    def data_notes(self) -> list[str]:
        """Return what was left out or changed while the data sets were read, each line once."""
        return list(dict.fromkeys(note for dataset in self.datasets.values() for note in dataset.notes))

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
            numbers=_numbers(self.dataset),
            data_defaults=job.data_defaults,
            datasets=self._made(),
            image_format=job.image_format,
            classes=self.dataset.num_classes,
            class_names=self.dataset.class_names,
            search=drawn,
            repeats=job.repeats,
            repeat_over=job.repeat_over if job.repeats > 1 else "weights",
            folds=job.split.folds,
            constraints=job.constraints,
        )

    def _made(self) -> tuple[MadeDataset, ...]:
        """Return what there is to know of each data set where settings are arguments of their function."""
        return tuple(
            MadeDataset(
                settings=settings,
                fingerprint=fingerprint,
                images=self.images(fingerprint),
                image_shape=self.datasets[fingerprint].image_shape,
                numbers=_numbers(self.datasets[fingerprint]),
            )
            for settings, fingerprint in (self.data.combinations(self.job) if self.job.data_settings else [])
        )

    def _defaults(self, model: ModelSignature) -> dict[str, Any]:
        """Return the plain defaults of a model's settings; of those that are null the ones that the job names."""
        named = self.job.setting_names
        return {k: v for k, v in model.optional.items() if is_plain(v) and (v is not None or k in named)}

    def _value(self, config: TrialConfig, setting: str) -> Any:
        settings, data = config.settings(), self.job.data_defaults
        return settings.get(setting, data.get(setting, self.models[config.model].optional.get(setting)))


def _numbers(dataset: ImageDataset) -> Numbers | None:
    """Return what the examples are where these are no images of bytes."""
    if dataset.has_pixels:
        return None
    low, high = dataset.values
    return Numbers(type=dataset.train_images.dtype.name, low=low, high=high)


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
        data = JobDatasets(job, data_dir)
        job = data.claim(job, models)
        if not job.data_settings:
            data.load_one(job)
        functions = JobFunctions(job, model_folders(job), limits)
        job = functions.claim(job)
        functions.check_settings(models)
        if job.data_settings:
            job = _with_all_made(job, data, models)
        job = with_own_validation(job, data.first)
        splits = data.splits(job)
        task = job_task(job, data.made.values())
        job = with_default_objective(job, task)
        check_metrics(job, task, data.first.num_classes)
        check_rules(job)
        losses = JobLosses(job, models)
        losses.check_names()
        check_found(job, models, data.names)
        signatures = [models[name] for name in job.models]
        job = fitted_job(job, signatures)
        weights = {name: pretrained_files(job, name, data_dir) for name in job.models}
        parts = {name: models.part(name, found.names, found.unusable) for name, found in weights.items()}
        ingredients = Ingredients(
            data.first.fingerprint,
            parts,
            teacher,
            losses.parts(),
            metric_codes(job, models),
            functions=functions.parts,
            data=data.part(job, models),
        )
        grid = expand(job, ingredients)
        check_fits(job, signatures, [trial.config for trial in grid.trials])
        losses.check_values([trial.config for trial in grid.trials])
        models.seen = {key: Seen(one.image_shape, one.num_classes, one.whole) for key, one in data.made.items()}
        files = {key: file for found in weights.values() for key, file in found.files.items()}
        loaded = PreparedJob(
            job,
            grid,
            datasets=data.made,
            data=data,
            splits=splits,
            pretrained=files,
            teacher=teacher,
            models=models,
            functions=functions,
            losses=losses,
            ingredients=ingredients,
        )
        check_targets(job, data.made, splits, [trial.config for trial in grid.trials])
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
        for fingerprint, dataset in loaded.datasets.items():
            check_data(job, dataset, [config for config in chosen if config.dataset == fingerprint])
        check_recipe(job, models, chosen, loaded.pretrained)
        loaded.functions.check(chosen, models.seen, lambda one: one.steps_of_epoch(loaded.train_images(one)))
        prepared = replace(loaded, dooms=dooms)
        return replace(prepared, remarks=[*remarks(job), *_model_notes(prepared)])


def divided(job: JobSpec, data_dir: Path) -> list[SplitDataset]:
    """Return the divisions of the images that a job's trials see, without a look at its recipe; errors name the key."""
    data = JobDatasets(job, data_dir)
    # Only where there is a function must be known what it shares with models, which then are looked at.
    models = JobModels(job.models if data.names else (), model_folders(job))
    with _left_on_error(models):
        job = data.claim(job, models)
        if job.data_settings:
            job = _with_all_made(JobFunctions(job, model_folders(job)).claim(job), data, models)
        else:
            data.load_one(job)
    models.leave()
    return list(data.splits(with_own_validation(job, data.first)).values())


def _with_all_made(job: JobSpec, data: JobDatasets, models: JobModels) -> JobSpec:
    """Make the data sets of a job that has settings for them; return it with numbers as their function takes them."""
    check_rules(job)
    check_found(job, models, data.names)
    job = data.fitted(job)
    data.load_all(job, models)
    return job


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
                found += prepared.models.tried(name, sound.dataset).notes(sound.hyper)
    return found


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


def _check_batch_sizes(prepared: PreparedJob) -> None:
    job = prepared.job
    largest = {(one.config.dataset, one.config.batch_size): one.config for one in prepared.grid.trials}
    for config in sorted(largest.values(), key=lambda one: -one.batch_size):
        size, images = config.batch_size, prepared.train_images(config)
        if size > images:
            place = job.document.place(job.trail("batch_size"))
            raise JobError(f"{place}: batch_size: {size} is larger than the training set of {images} images")
