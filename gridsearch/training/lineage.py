"""Training one lineage: from its weights' seed or its last checkpoint to the epochs it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from gridsearch.errors import ModelError
from gridsearch.models.registry import build_model, find_model
from gridsearch.spec.outcomes import EpochRecord
from gridsearch.spec.trial import TrialConfig
from gridsearch.training.checkpoints import Checkpoint, CheckpointFolder
from gridsearch.training.evaluation import Tally, evaluate
from gridsearch.training.optimizers import make_rule
from gridsearch.training.randomness import derive, epoch_order
from gridsearch.training.schedules import learning_rate
from gridsearch.training.task import LineageTask, StopRequestedError, Workplace


class LineageTraining:
    """A model, its optimiser and its history, advanced epoch by epoch."""

    def __init__(self, task: LineageTask, place: Workplace) -> None:
        self.task, self.place, self.config = task, place, task.config
        self.model = new_model(task.config, place)
        self.parameters: list[Tensor] = [p for p in self.model.parameters() if p.requires_grad]
        self.rule = make_rule(task.config, self.parameters)
        self.folder = CheckpointFolder(place.checkpoints, task.lineage_id)
        self.history: list[EpochRecord] = []

    def run(self) -> Iterator[EpochRecord]:
        """Yield every epoch that is not recorded yet; the last may have losses that are not finite.

        Each epoch is on disk before it is yielded. Raises `StopRequestedError` when the workplace wants to stop,
        `ModelError` when the model's output is not usable, and whatever the model raises.
        """
        if checkpoint := self.folder.load():
            self.restore(checkpoint)
        yield from (record for record in self.history if record.epoch > self.task.recorded_epoch)
        for epoch in range(len(self.history), self.config.epochs + 1):
            record = self.measure_untrained() if epoch == 0 else self.train_epoch(epoch)
            self.history.append(record)
            if is_finite(record):
                self.folder.save(self.state(), self.history)
            if record.epoch > self.task.recorded_epoch or not is_finite(record):
                yield record
            if not is_finite(record):
                return

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that the next epoch depends on."""
        model = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        return model | {f"optimizer.{name}": tensor for name, tensor in self.rule.state().items()}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; one beyond the epochs asked for gives its history only."""
        tensors = checkpoint.tensors
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        self.rule.load({k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")})
        self.history = [
            replace(record, attempt=self.task.attempt)
            for record in checkpoint.history
            if record.epoch <= self.config.epochs
        ]

    def measure_untrained(self) -> EpochRecord:
        """Return epoch 0: the loss before the first step, about ln K for balanced classes."""
        started = time.perf_counter()
        check_output(self.model, self.place)
        train = evaluate(self.model, self.place.train)
        return self.record(0, train, learning_rate(self.config, 1), started)

    def train_epoch(self, epoch: int) -> EpochRecord:
        """Train one epoch and return its record; train loss and accuracy are means over the epoch's own batches."""
        started = time.perf_counter()
        torch.manual_seed(derive(self.config.seed, "draws", epoch))
        order = epoch_order(len(self.place.train), data_seed=self.config.data_seed, epoch=epoch)
        lr = learning_rate(self.config, epoch)
        self.model.train()
        tally = Tally.on(self.place.device)
        for images, labels in self.place.train.chunks(order, self.config.batch_size):
            if self.place.stop():
                raise StopRequestedError
            tally.add(self.train_chunk(images, labels, lr), labels)
        return self.record(epoch, tally.means(), lr, started)

    def train_chunk(self, images: Tensor, labels: Tensor, lr: float) -> Tensor:
        """Make one step per batch of the chunk; return the logits (n, K) each image had before its step."""
        size = self.config.batch_size
        outputs = []
        for batch, targets in zip(torch.split(images, size), torch.split(labels, size), strict=True):
            logits = self.model(batch)
            loss = functional.cross_entropy(logits, targets)
            gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
            self.rule.step(self.parameters, list(gradients), lr)
            outputs.append(logits.detach())
        return torch.cat(outputs)

    def record(self, epoch: int, train: tuple[float, float], lr: float, started: float) -> EpochRecord:
        """Return the epoch's record, the validation set measured now."""
        val_loss, val_accuracy = evaluate(self.model, self.place.validation)
        return EpochRecord(
            lineage_id=self.task.lineage_id,
            attempt=self.task.attempt,
            epoch=epoch,
            train_loss=train[0],
            train_accuracy=train[1],
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=lr,
            seconds=time.perf_counter() - started,
        )


def is_finite(record: EpochRecord) -> bool:
    """Whether both losses of an epoch are finite."""
    return abs(record.train_loss) < float("inf") and abs(record.val_loss) < float("inf")


def new_model(config: TrialConfig, place: Workplace) -> nn.Module:
    """Return the configured model on the device, its weights drawn from the trial's own seed."""
    torch.manual_seed(derive(config.seed, "weights"))
    model_class = find_model(config.model, place.model_search)
    if model_class.code != config.model_code:
        raise ModelError(f"the source of model {config.model!r} changed since this trial was planned; launch again")
    shape = place.train.image_shape
    model = build_model(model_class, config.hyper, image_shape=shape, num_classes=place.num_classes)
    return model.to(place.device)


@torch.inference_mode()
def check_output(model: nn.Module, place: Workplace) -> None:
    """Raise `ModelError` unless the model gives one row of K logits per image."""
    model.eval()
    images, _ = next(place.train.in_order(2))
    logits = model(images)
    wanted = (len(images), place.num_classes)
    if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(f"the model gives {got} for {len(images)} images; it must give logits of shape {wanted}")
