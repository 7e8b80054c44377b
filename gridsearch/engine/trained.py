"""The one way from a trial in the store to its trained model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gridsearch import paths
from gridsearch.data.catalog import load_dataset
from gridsearch.data.splits import SplitDataset, apply_split
from gridsearch.engine.executor import WorkerSettings
from gridsearch.engine.inline import InlineExecutor
from gridsearch.engine.keeping import objective_of, trial_epoch, weights_at_hand
from gridsearch.engine.preparation import pretrained_files
from gridsearch.engine.weight_files import Kept, read_weights, write_weights
from gridsearch.engine.workplaces import WorkplaceMaker
from gridsearch.errors import DataError, EngineError, ModelError
from gridsearch.spec.identity import parse
from gridsearch.spec.job import job_from_text
from gridsearch.spec.outcomes import EpochRecord, LineageFailed
from gridsearch.spec.trial import TrialConfig
from gridsearch.store.contract import Store
from gridsearch.store.rows import JobRow, TrialRow
from gridsearch.training.arrays import DeviceArrays, to_device
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.distillation import TeacherFile
from gridsearch.training.form import forward_context
from gridsearch.training.member import drawn_model
from gridsearch.training.pack import train_pack
from gridsearch.training.readings import weights_of
from gridsearch.training.state_checks import weights_fit
from gridsearch.training.task import LineageTask, Pack, Workplace


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
    place: Workplace
    split: SplitDataset
    weights_file: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of the labels."""
        return self.split.dataset.class_names

    @property
    def device(self) -> torch.device:
        """Return where the model is."""
        return self.place.device

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (n, K) of images (n, C, H, W) on the device, normalised."""
        with forward_context(self.config.precision, self.device):
            logits: Tensor = self.model(images)
        return logits.float()

    def test(self) -> DeviceArrays:
        """Return the test images and labels on the device, as the model is given them; there may be none."""
        images = to_device(self.split.test_images, self.split.test_labels, self.device)
        return replace(images, normalizer=self.place.train.normalizer)


@dataclass(frozen=True)
class ModelSource:
    """Where trained models come from, and go: the store and its file, the folder of data sets, a device.

    `note` is told what takes long; `threads` are torch's where left out.
    """

    store: Store
    store_path: Path
    data_dir: Path
    device: str = "auto"
    threads: int | None = None
    note: Callable[[str], None] = lambda text: None


def job_with(store: Store, trial_id: str) -> str:
    """Return the name of a job, the last updated, that has a trial in its grid; `EngineError` where none has."""
    for job in store.jobs():
        if any(row.trial_id == trial_id for row in store.trials(job.name)):
            return job.name
    raise EngineError(
        f"trial {trial_id[:8]} is no longer a point of any job's grid: launch its job again with its values"
    )


def trained(source: ModelSource, job_name: str, trial: str, epoch: int | None = None) -> TrainedTrial:
    """Return the model of one of a job's trials, named by its id or the beginning of it, with its data.

    Its weights are those of `epoch`, by default of the epoch that the job's objective reads.

    The weights are the kept ones, else those of the lineage's checkpoint if it stands at just that epoch; else the
    lineage is trained again, here and now and without a word to the store, and `source.note` is told. What was found in
    another place than the kept weights is kept from then on. Torch's threads and random state stay as they were.

    Raises `EngineError` for a trial without a result or without the device, `DataError` and `ModelError` where the
    data or the source of the model are not what they were.
    """
    store, store_path = source.store, source.store_path
    row, job = store.trial(trial), store.job(job_name)
    curve = store.epochs([row.lineage_id])
    own = trial_epoch(objective_of(job), row, curve)
    epoch = own if epoch is None else epoch
    if epoch is None:
        state = "diverged: its weights mean nothing" if row.state == "diverged" else f"{row.state}: it has no weights"
        raise EngineError(f"trial {row.trial_id[:8]} is {state}; gridsearch top {job_name} lists trials that have")
    config = parse(row.config)
    split = _split(job, config, source.data_dir)
    settings = WorkerSettings(
        splits={config.split_key: split},
        num_classes=len(split.dataset.class_names),
        checkpoints=paths.checkpoint_dir(store_path),
        model_search=(Path(str(job.spec.get("base", "."))), Path.cwd()),
        device=source.device,
        threads=source.threads or torch.get_num_threads(),
    )
    with InlineExecutor(settings):
        # What it started from and who taught it counts only where it is trained again.
        plain = config.model_copy(update={"teacher": "", "distillation": "none"})
        place = WorkplaceMaker(settings).at(plain)
        model = drawn_model(config, place)
        file = paths.weights_file(store_path, row.trial_id, None if epoch == own else epoch)
        weights = read_weights(file, row.trial_id, epoch)
        if weights is None or not weights_fit(weights, model):
            weights = weights_at_hand(store_path, job_name, row, epoch)
            if weights is None or not weights_fit(weights, model):
                source.note(
                    f"trial {row.trial_id[:8]}: its weights were not kept; training it again, to epoch {epoch}, for"
                    f" {file.parent.name}/{file.name}"
                )
                weights = _trained_again(_with_origins(source, settings, job, config), row, config, epoch)
            write_weights(file, Kept(job, row, curve[epoch], weights, place.train.normalizer))
        model.load_state_dict(weights)
    return TrainedTrial(job, row, config, epoch, model.to(place.device).eval(), place, split, file)


def _split(job: JobRow, config: TrialConfig, data_dir: Path) -> SplitDataset:
    reference = str(job.spec.get("dataset"))
    dataset = load_dataset(reference, folder=data_dir, base=Path(str(job.spec.get("base", "."))))
    if dataset.fingerprint != config.dataset:
        raise DataError(
            f"dataset: {reference} holds other images or labels than those the trial was trained on;"
            " bring those back, or launch the job again under another name"
        )
    return apply_split(dataset, config.split, config.data_seed, config.fold)


def teacher_file(source: ModelSource, teacher: str) -> TeacherFile:
    """Return a trial's model at an epoch as a teacher, `ID@EPOCH`; errors are those of `trained`."""
    trial, _, epoch = teacher.partition("@")
    found = trained(source, job_with(source.store, trial), trial, int(epoch))
    normalizer = found.place.train.normalizer
    return TeacherFile(found.config, found.weights_file, normalizer.to(torch.device("cpu")) if normalizer else None)


def _with_origins(source: ModelSource, settings: WorkerSettings, job: JobRow, config: TrialConfig) -> WorkerSettings:
    """Return settings with what the training of a trial starts from: a file of weights, a teacher."""
    if config.pretrained:
        spec = job_from_text(job.source, base=Path(str(job.spec.get("base", "."))), source=f"job {job.name!r}")
        files = dict(pretrained_files(spec, source.data_dir).values())
        if config.pretrained not in files:
            raise EngineError(f"the weights that {job.name!r} started from have changed since: bring those back")
        settings = replace(settings, pretrained=files)
    if config.teacher:
        settings = replace(settings, teachers={config.teacher: teacher_file(source, config.teacher)})
    return settings


def _trained_again(settings: WorkerSettings, row: TrialRow, config: TrialConfig, epoch: int) -> dict[str, Tensor]:
    """Train a lineage from its seed to an epoch in a folder of its own, and return the weights it has then."""
    with tempfile.TemporaryDirectory(prefix="gridsearch-") as folder:
        root = Path(folder)
        elsewhere = replace(settings, checkpoints=root)
        task = LineageTask(row.lineage_id, 0, config, -1)
        # Every epoch is in its checkpoint before it is told of.
        for event in train_pack(Pack(((task,),)), WorkplaceMaker(elsewhere).at):
            if isinstance(event, LineageFailed):
                raise ModelError(f"trial {row.trial_id[:8]} cannot be trained again: {event.error}")
            if isinstance(event, EpochRecord) and event.epoch == epoch:
                break
        checkpoint = CheckpointFolder(root, row.lineage_id).load()
    if checkpoint is None or checkpoint.epoch != epoch:
        raise EngineError(f"trial {row.trial_id[:8]} did not come to epoch {epoch} again; run: gridsearch verify")
    return weights_of(checkpoint.tensors)
