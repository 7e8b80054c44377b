"""The one way from a trial in the store to its trained model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gridsearch import paths
from gridsearch.config.identity import parse
from gridsearch.config.record import JobRecord
from gridsearch.config.trial import TrialConfig
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.executors.base import WorkerSettings
from gridsearch.engine.executors.inline import InlineExecutor
from gridsearch.engine.executors.worker_context import WorkerContexts
from gridsearch.engine.prepare.job_data import load_data, names_function
from gridsearch.engine.prepare.preparation import starting_file
from gridsearch.engine.trained import supervised
from gridsearch.engine.trained.retention import trial_epoch, validation_of, weights_at_hand
from gridsearch.engine.trained.retraining import Repetition
from gridsearch.engine.trained.weights import (
    AGAIN,
    Kept,
    Validation,
    made_validation,
    own_validation,
    read_weights,
    require_writable,
    write_weights,
)
from gridsearch.errors import DataError, EngineError
from gridsearch.models.modes import in_mode
from gridsearch.shell_words import quoted
from gridsearch.store.contract import Store
from gridsearch.store.rows import EpochRow, JobRow, TrialRow
from gridsearch.training.arrays import DeviceArrays, to_device
from gridsearch.training.distillation import TeacherFile
from gridsearch.training.loop.blame import charged
from gridsearch.training.loop.evaluation import Tally, evaluation_batch
from gridsearch.training.loop.member import drawn_model
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.class_weights import class_weights
from gridsearch.training.recipe.own_loss import criterion_of
from gridsearch.training.state_checks import weights_fit
from gridsearch.training.strategies.base import forward_context


@dataclass(frozen=True)
class TrainedTrial:
    """A trial's model as it was trained, in evaluation mode on a device, and the data it belongs to.

    `epoch` is the one whose weights it has; `place` has the training and the validation images on the device, `split`
    those of all parts as the data set has them. `weights_file` keeps the weights for others.
    """

    job: JobRow
    row: TrialRow
    config: TrialConfig
    epoch: int
    model: nn.Module
    context: WorkerContext
    split: SplitDataset
    weights_file: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of the labels."""
        return self.split.dataset.class_names

    @property
    def device(self) -> torch.device:
        """Return where the model is."""
        return self.context.device

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (n, K) of images (n, C, H, W) on the device, normalised."""
        with forward_context(self.config.precision, self.device):
            logits: Tensor = charged(self.model.__call__)(images)
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    def test(self) -> DeviceArrays:
        """Return the test images and labels on the device, as the model is given them; there may be none."""
        images = to_device(self.split.test_images, self.split.test_labels, self.device, self.context.train.dtype)
        return replace(images, normalizer=self.context.train.normalizer)


@dataclass(frozen=True)
class ModelSource:
    """Where trained models come from, and go: the store and its file, the folder of data sets, a device.

    `note` is told what takes long; `threads` are torch's where left out. `building` and `patience` are how long it may
    take to build a model, and to train it for an epoch; nobody keeps that time but in a `supervised` process.
    """

    store: Store
    store_path: Path
    data_dir: Path
    device: str = "auto"
    threads: int | None = None
    note: Callable[[str], None] = lambda text: None
    building: float | None = None
    patience: float | None = None


@dataclass(frozen=True)
class _Located:
    """A trial, its data, what trains it, and the file in which its weights after an epoch belong."""

    job: JobRow
    row: TrialRow
    config: TrialConfig
    epoch: EpochRow
    split: SplitDataset
    settings: WorkerSettings
    file: Path

    def context(self) -> WorkerContext:
        """Return the context of the model alone: what it started from and who taught it are not needed there."""
        return WorkerContexts(self.settings).at(self.config.model_copy(update={"teacher": "", "distillation": "none"}))


def job_with(store: Store, trial_id: str) -> str:
    """Return the name of a job, the last updated, that has a trial in its grid; `EngineError` where none has."""
    for job in store.jobs():
        if any(row.trial_id == trial_id for row in store.trials(job.name)):
            return job.name
    raise EngineError(
        f"trial {trial_id[:8]} is no longer a point of any job's grid: launch its job again with the trial's values"
    )


def check_ours(job: JobRow) -> None:
    """Refuse a job whose training is the user's own: `EngineError`, as nobody else knows its models and its data."""
    if job.record.training:
        raise EngineError(
            f"job {job.name!r} is trained by {job.record.models_text}: its models and its data are known there alone;"
            " have it report what is to be known, and save what is to stay"
        )


def trained(source: ModelSource, job_name: str, trial: str, epoch: int | None = None) -> TrainedTrial:
    """Return the model of one of a job's trials, named by its id or the beginning of it, with its data.

    Its weights are those of `epoch`, by default of the epoch that the job's objective reads.

    The weights are the kept ones, else those of the lineage's checkpoint if it stands at just that epoch; else the
    lineage is trained again, here and now and without a word to the store, and `source.note` is told: in the formation
    that trained it, as far as that is known and this is the same kind of machine. What was found in another place than
    the kept weights is kept from then on. `source.note` is also told where the weights do not have the validation
    numbers that are recorded, but for float noise, whatever they came from. Torch's threads and random state stay as
    they were.

    Raises `EngineError` for a trial without a result or without the device, `DataError` and `ModelError` where the
    data or the source of the model are not what they were.
    """
    located = _located(source, job_name, trial, epoch)
    row, config, file = located.row, located.config, located.file
    with InlineExecutor(located.settings):
        context = located.context()
        with supervised.within(source.building):
            model = charged(drawn_model)(config, context)
        weights: Mapping[str, Tensor] | None = read_weights(file, row.trial_id, located.epoch.epoch)
        known = own_validation(file, row.trial_id)
        if weights is None or not weights_fit(weights, model):
            kept = _found(source, located, context, model) or _trained_again(source, located, context)
            weights, known = kept.weights, kept.validation
            write_weights(file, kept)
        model.load_state_dict(weights)
        model = in_mode(model.to(context.device), training=False)
        _tell_difference(source, row, located.epoch, known or charged(measured)(model, config, context))
    return TrainedTrial(located.job, row, config, located.epoch.epoch, model, context, located.split, file)


def _located(source: ModelSource, job_name: str, trial: str, epoch: int | None) -> _Located:
    """Find a trial's data and the place of its weights; errors as of `trained`."""
    store, store_path = source.store, source.store_path
    row, job = store.trial(trial), store.job(job_name)
    check_ours(job)
    curve = store.epochs([row.lineage_id])
    own = trial_epoch(job.record.objective, row, curve)
    epoch = own if epoch is None else epoch
    if epoch is None:
        state = "diverged: its weights cannot be used" if row.state == "diverged" else f"{row.state}: it has no weights"
        raise EngineError(
            f"trial {row.trial_id[:8]} is {state}; see those that have: gridsearch top {quoted(job_name)}"
        )
    config = parse(row.config)
    split = _split(job, config, source.data_dir)
    settings = WorkerSettings(
        splits={config.split_key: split},
        num_classes=len(split.dataset.class_names),
        checkpoints=paths.checkpoint_dir(store_path),
        model_search=(job.record.base, Path.cwd()),
        device=source.device,
        threads=source.threads or torch.get_num_threads(),
        patience=source.patience,
    )
    file = paths.weights_file(store_path, row.trial_id, None if epoch == own else epoch)
    return _Located(job, row, config, curve[epoch], split, settings, file)


def _found(source: ModelSource, asked: _Located, context: WorkerContext, model: nn.Module) -> Kept | None:
    found = weights_at_hand(source.store_path, asked.job.name, asked.row, asked.epoch.epoch)
    if found is None or not weights_fit(found.weights, model):
        return None
    return Kept(asked.job, asked.row, asked.epoch, found.weights, context.train.normalizer, validation_of(found))


def _trained_again(source: ModelSource, asked: _Located, context: WorkerContext) -> Kept:
    row, config, epoch = asked.row, asked.config, asked.epoch
    require_writable(asked.file)
    again = Repetition(source.store, row, config, epoch.epoch, source.device)
    source.note(
        f"trial {row.trial_id[:8]}: its weights were not kept; training it again, {again.how}, to epoch"
        f" {epoch.epoch}, for {asked.file.parent.name}/{asked.file.name}"
    )
    settings = _with_origins(source, asked.settings, asked.job, config)
    found = again.reading(settings, source.store.epochs([row.lineage_id]))
    origin = f"{AGAIN}, {again.how}"
    if again.left_at is not None:
        origin += f"; its curve left the recorded one at epoch {again.left_at}"
    return Kept(asked.job, row, epoch, found.weights, context.train.normalizer, validation_of(found), origin)


def measured(model: nn.Module, config: TrialConfig, context: WorkerContext) -> Validation:
    """Return what a model in evaluation mode does with the validation images of a place.

    It is asked only of weights whose file does not say it: such files were written before it was noted.
    """
    tally = own_tally(config, context, context.validation)
    with torch.no_grad(), forward_context(config.precision, context.device):
        for images, labels in context.validation.in_order(evaluation_batch(context.validation)):
            tally.add(model(images).to(context.train.dtype)[None], labels)
    return made_validation(*tally.means()[0])


def own_tally(config: TrialConfig, context: WorkerContext, arrays: DeviceArrays) -> Tally:
    """Return an empty tally of a trial's model on some of its data, by the criterion that it was trained with."""
    dtype = context.train.dtype
    criterion = charged(criterion_of)(config, context.model_search, context.num_classes, context.device, dtype)
    weights = class_weights(config, context.train.labels, context.num_classes)
    return Tally.of(1, arrays, criterion, None if weights is None else weights[None].to(context.device))


def _tell_difference(source: ModelSource, row: TrialRow, recorded: EpochRow, own: Validation) -> None:
    """Say so where a trial's weights are not quite those that its recorded numbers are of."""
    if own.is_of(recorded) or recorded.val_loss is None:
        return
    right = ""
    if own.val_accuracy is not None and recorded.val_accuracy is not None:
        right = f" a validation accuracy of {own.val_accuracy:.4f}, recorded is {recorded.val_accuracy:.4f};"
    source.note(
        f"trial {row.trial_id[:8]}: its weights differ from the recorded ones: they have{right} loss"
        f" {own.val_loss:.6g}, recorded {recorded.val_loss:.6g}"
    )


def recorded_dataset(record: JobRecord, data_dir: Path, settings: Mapping[str, Any]) -> ImageDataset:
    """Return the data set of a job in the store, as it is now, of several the one made with a trial's `data_settings`.

    Its fingerprint tells whether it is still the one that was trained on. `DataError` where it cannot be read.
    """
    return load_data(
        record.dataset,
        folder=data_dir,
        base=record.base,
        image_format=record.image_format,
        options={**record.dataset_options, **settings},
    )


def _split(job: JobRow, config: TrialConfig, data_dir: Path) -> SplitDataset:
    dataset = recorded_dataset(job.record, data_dir, config.data_settings)
    if dataset.fingerprint != config.dataset:
        own_code = names_function(job.record.dataset, job.record.base)
        what = "code, images or labels" if own_code else "images or labels"
        raise DataError(
            f"{job.record.dataset_text}{_with(config)} has other {what} than the trial was trained on; restore those,"
            f" or launch the job again under another name",
            key=("dataset",),
        )
    return apply_split(dataset, config.split, config.data_seed, config.fold)


def _with(config: TrialConfig) -> str:
    told = ", ".join(f"{key}={value}" for key, value in config.data_settings.items())
    return f" with {told}" if told else ""


def teacher_file(source: ModelSource, teacher: str) -> TeacherFile:
    """Return a trial's model at an epoch as a teacher, `ID@EPOCH`; errors are those of `trained`."""
    trial, _, epoch = teacher.partition("@")
    found = trained(source, job_with(source.store, trial), trial, int(epoch))
    return _teacher(found.config, found.weights_file, found.context)


def kept_teacher(source: ModelSource, teacher: str) -> TeacherFile:
    """Return the same where its weights are kept, without the model being built; `EngineError` where they are not."""
    trial, _, epoch = teacher.partition("@")
    located = _located(source, job_with(source.store, trial), trial, int(epoch))
    if read_weights(located.file, located.row.trial_id, located.epoch.epoch) is None:
        raise EngineError(f"the weights of the teacher, trial {trial[:8]}, are not in {located.file}")
    with InlineExecutor(located.settings):
        return _teacher(located.config, located.file, located.context())


def _teacher(config: TrialConfig, weights: Path, context: WorkerContext) -> TeacherFile:
    normalizer = context.train.normalizer
    return TeacherFile(config, weights, normalizer.to(torch.device("cpu")) if normalizer else None)


def _with_origins(source: ModelSource, settings: WorkerSettings, job: JobRow, config: TrialConfig) -> WorkerSettings:
    """Return settings with what the training of a trial starts from: a file of weights, a teacher."""
    if config.pretrained:
        folders = (job.record.base, Path.cwd())
        written = (str(value) for value in job.record.values("pretrained") if value)
        found = dict(starting_file(config.model, one, folders, source.data_dir) for one in written)
        if config.pretrained not in found:
            raise EngineError(
                f"the weights that {job.name!r} started from have changed since: restore the original file"
            )
        settings = replace(settings, pretrained={(config.model, config.pretrained): found[config.pretrained]})
    if config.teacher:
        settings = replace(settings, teachers={config.teacher: teacher_file(source, config.teacher)})
    return settings
