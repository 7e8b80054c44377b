"""A lineage as a member of a pack: its model, its state between epochs, and its history."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gridsearch.config.early_stopping import stopping_epoch
from gridsearch.config.events import EpochRecord
from gridsearch.config.trial import TrialConfig
from gridsearch.errors import ModelError
from gridsearch.models.freezing import freeze
from gridsearch.models.pretrained import load_pretrained
from gridsearch.models.registry import build_model, find_model
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.loop.metrics import Meter, meter_of
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.readings import Readings
from gridsearch.training.recipe.class_weights import class_weights
from gridsearch.training.recipe.criterion import Criterion
from gridsearch.training.recipe.dropout import make_portable
from gridsearch.training.recipe.own_loss import criterion_of
from gridsearch.training.recipe.randomness import derive, seed_everything
from gridsearch.training.state_checks import state_fits
from gridsearch.training.weight_snapshots import ReadingKeeper

#: Everything the next epoch depends on: "model." and the name in the model's state dict, "optimizer." and slot and
#: index of the trainable parameter, "optimizer.steps", and with `ema` "ema." and the name of an averaged parameter. The
#: same for every strategy, so each goes on from any other.
State = dict[str, Tensor]


class Member:
    """One lineage of a pack; it goes on from its newest checkpoint, else from its seed.

    Raises `ModelError` when its model cannot be built.
    """

    def __init__(self, task: LineageTask, context: WorkerContext) -> None:
        self.task, self.config = task, task.config
        self.device, self.num_classes = context.device, context.num_classes
        self.module = new_model(task.config, context)
        self.search = context.model_search
        self.class_weights = class_weights(task.config, context.train.labels, context.num_classes)
        self.folder = CheckpointFolder(context.checkpoints, task.lineage_id, task.attempt)
        self.history: list[EpochRecord] = []
        self._state: State | None = None
        self.ended = False
        if checkpoint := self.folder.load(lambda found: state_fits(found.tensors, self.module)):
            self._state = checkpoint.tensors
            ours = (record for record in checkpoint.history if isinstance(record, EpochRecord))
            known = [record for record in ours if record.epoch <= task.config.epochs]
            self.history = [replace(record, attempt=task.attempt) for record in known]
        self.readings = Readings(task, context.objective, self.history) if context.objective else None
        self.keeper = (
            ReadingKeeper(task, context.retention, self.history) if context.retention and task.readings else None
        )

    @property
    def next_epoch(self) -> int:
        """Return the epoch to do next; 0 is the measurement before the first step."""
        return len(self.history)

    @property
    def val_losses(self) -> list[float]:
        """Return the validation losses so far, that of the untrained model first."""
        return [record.val_loss for record in self.history]

    @property
    def stopping_epoch(self) -> int | None:
        """Return the epoch after which early stopping ended the training, if it did."""
        return stopping_epoch(self.config.early_stopping, self.val_losses)

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        return self.ended or self.next_epoch > self.config.epochs or self.stopping_epoch is not None

    @property
    def steps(self) -> int:
        """Return the number of optimiser steps made so far."""
        return int(self._state["optimizer.steps"]) if self._state else 0

    def state(self) -> State:
        """Return the state at the end of the last epoch, on the CPU; without optimiser state before the first step."""
        if self._state is None:
            self._state = {f"model.{name}": tensor.clone() for name, tensor in self.module.state_dict().items()}
            self._state["optimizer.steps"] = torch.tensor(0)
        return self._state

    def model(self) -> nn.Module:
        """Return the module, not a copy, with the weights of `state`."""
        weights = {k.removeprefix("model."): v for k, v in self.state().items() if k.startswith("model.")}
        self.module.load_state_dict(weights)
        return self.module

    def criterion(self) -> Criterion:
        """Return what the lineage minimises, made anew, on its device and in the type of its model."""
        dtype = next((parameter.dtype for parameter in self.module.parameters()), torch.float32)
        return criterion_of(self.config, self.search, self.num_classes, self.device, dtype)

    def meter(self) -> Meter:
        """Return what measures the lineage's metrics."""
        return meter_of(self.config, self.search)

    def rebuild(self, context: WorkerContext) -> None:
        """Build the module anew: a constructor may have set what is not in it, and another model's after it."""
        self.module = new_model(self.config, context)

    def begun_anew(self, context: WorkerContext) -> Member:
        """Return this lineage's member at its beginning, its model built anew."""
        twin = copy.copy(self)
        twin._state = None
        twin.rebuild(context)
        return twin

    def copied(self) -> Member:
        """Return a member to try things with: what happens to its module does not happen to this one's."""
        twin = copy.copy(self)
        twin._state = self.state()
        twin.module = copy.deepcopy(self.module)
        return twin

    def standing_in(self, beside: Member) -> Member:
        """Return what takes this lineage's place beside another: of its own shape, whatever its weights.

        A model's numbers depend on the others' shapes alone, and on the number of steps, which is the other's.
        """
        twin = copy.copy(self)
        steps = ("optimizer.steps", "optimizer.missed")
        twin._state = {name: tensor for name, tensor in self.state().items() if name not in steps}
        twin._state |= {name: tensor for name, tensor in beside.state().items() if name in steps}
        return twin

    def known_records(self) -> list[EpochRecord]:
        """Return the epochs that a checkpoint holds and the store lacks."""
        return [record for record in self.history if record.epoch > self.task.recorded_epoch]

    def may_be_read_at(self, epoch: int) -> bool:
        """Whether an epoch that is still to be done may be the one that one of its trials is read at."""
        return self.readings is not None and self.readings.may_be(epoch)

    def advance(self, record: EpochRecord, state: State) -> EpochRecord:
        """Take over the state after an epoch, and write it to disk before anyone hears of the epoch.

        Returns:
            The record, which says what images were right only if one of its trials would be read at it now.
        """
        self.history.append(record)
        self._keep_answers()
        self._state = {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}
        # Before the checkpoint: what goes on from there must find the weights of all epochs up to it.
        if self.keeper:
            self.keeper.after_epoch(self.history, self._state)
        self.folder.save(self._state, self.history, last=self.done)
        return self.history[-1]

    def _keep_answers(self) -> None:
        """Leave in the history what images were right in those epochs alone that a trial is read at."""
        read, worthless = self.readings.take(self.history) if self.readings else (False, None)
        for epoch in ([] if read else [self.history[-1].epoch]) + ([] if worthless is None else [worthless]):
            if self.history[epoch].correct:
                self.history[epoch] = replace(self.history[epoch], correct=b"")

    def finalize(self) -> None:
        """Leave one checkpoint of a training that had come to its end before: the newest, which may be beyond it."""
        self.folder.finalize()


def new_model(config: TrialConfig, context: WorkerContext) -> nn.Module:
    """Return the configured model on the CPU as its training begins.

    Its weights are drawn from the trial's own seed, or are those it is to start from as far as they fit.
    """
    model = drawn_model(config, context)
    if config.pretrained:
        file = context.pretrained[config.model, config.pretrained]
        load_pretrained(model, config.model, str(file), folders=[Path()], data_dir=Path())
    freeze(model, config.freeze)
    return model


def drawn_model(config: TrialConfig, context: WorkerContext) -> nn.Module:
    """Return the configured model on the CPU, its weights drawn from the trial's own seed."""
    model_class = find_model(config.model, context.model_search)
    if model_class.code != config.model_code:
        raise ModelError(f"the source of model {config.model!r} changed since this trial was planned; launch again")
    seed_everything(derive(config.seed, "weights"))
    built = build_model(
        model_class,
        config.hyper,
        image_shape=context.train.image_shape,
        num_classes=context.num_classes,
        version=config.version,
        whole=context.train.whole,
    )
    return in_precision(make_portable(built), config.precision)


def in_precision(model: nn.Module, precision: str) -> nn.Module:
    """Return the model, changed: its weights, whatever drew them, in the type that the recipe's precision asks for."""
    return model.double() if precision == "float64" else model
