"""Everything in double precision: against plain torch, and by every strategy the same but for its last digits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from gridsearch.config.events import EpochRecord
from gridsearch.training.arrays import to_device
from gridsearch.training.checkpoints import CheckpointFolder
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member, new_model
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.recipe.augmentation import draw_augmentation
from gridsearch.training.recipe.randomness import epoch_order
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.strategies.sequential import Single
from tests.training.conftest import MakePlace, task

#: Oscillates: what differs in the last digit grows.
WILD: dict[str, Any] = {"learning_rate": 0.1, "momentum": 0.9, "batch_size": 16, "epochs": 4, "precision": "float64"}


@pytest.fixture
def in_double(make_place: MakePlace, digits_split: Any) -> MakePlace:
    cpu = torch.device("cpu")
    train = to_device(digits_split.train_images, digits_split.train_labels, cpu, torch.float64)
    validation = to_device(digits_split.validation_images, digits_split.validation_labels, cpu, torch.float64)
    return lambda folder, **changes: make_place(folder, train=train, validation=validation, **changes)


def curve(events: Any) -> dict[tuple[str, int], tuple[float, float]]:
    return {(e.lineage_id, e.epoch): (e.train_loss, e.val_loss) for e in events if isinstance(e, EpochRecord)}


def alone(what: LineageTask, context: WorkerContext) -> dict[tuple[str, int], tuple[float, float]]:
    return curve(advance([Member(what, context)], context, Single))


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adam", "learning_rate": 0.01}, {"rotation": 20.0, "zoom": 0.1}])
def test_it_is_plain_torch_in_double(in_double: MakePlace, changes: dict[str, Any]) -> None:
    what = task(**(WILD | {"epochs": 2} | changes))
    config, context = what.config, in_double("ours")
    found = alone(what, context)
    model: nn.Module = new_model(config, context)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.SGD
    more = {} if config.optimizer == "adam" else {"momentum": config.momentum}
    optimizer = kind(model.parameters(), lr=config.learning_rate, **more)
    images = context.train.images
    assert images.dtype == torch.float64 and torch.equal(images, (images * 255).round() / 255)
    for epoch in (1, 2):
        order = epoch_order(len(images), data_seed=config.data_seed, epoch=epoch)
        shown = images[order]
        if augmentation := draw_augmentation(config, len(images), (8, 8), epoch, context.device):
            assert augmentation.maps is not None and augmentation.maps.dtype == torch.float64
            shown = augmentation(shown, 0)
        for start in range(0, len(images), config.batch_size):
            batch = shown[start : start + config.batch_size]
            optimizer.zero_grad()
            functional.cross_entropy(
                model(batch), context.train.labels[order[start : start + config.batch_size]]
            ).backward()
            optimizer.step()
        with torch.no_grad():
            loss = functional.cross_entropy(model(context.validation.images), context.validation.labels).item()
        assert found[what.lineage_id, epoch][1] == pytest.approx(loss, rel=1e-11)


@pytest.mark.parametrize("strategy", ["concatenated", "stacked"])
def test_forms_agree_where_float32_would_drift_apart(in_double: MakePlace, strategy: str) -> None:
    tasks = [
        task(name=f"{index:064x}", **(WILD | {"learning_rate": rate})) for index, rate in enumerate((0.1, 0.05, 0.02))
    ]
    context = in_double("together")
    together = curve(advance([Member(one, context) for one in tasks], context, STRATEGIES[strategy]))
    for one in tasks:
        for key, numbers in alone(one, in_double("alone")).items():
            assert together[key] == pytest.approx(numbers, rel=1e-9)
        state = CheckpointFolder(context.checkpoints, one.lineage_id).load()
        assert state is not None
        groups = {name: tensor.dtype for name, tensor in state.tensors.items() if name != "optimizer.steps"}
        assert len(groups) > 4 and set(groups.values()) == {torch.float64}


def test_images_that_are_kept_as_bytes_are_as_exact(digits_split: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, some = torch.device("cpu"), torch.arange(5)
    of = (digits_split.train_images, digits_split.train_labels, cpu, torch.float64)
    kept = to_device(*of)
    monkeypatch.setattr("gridsearch.training.arrays.FLOAT_BYTES_LIMIT", 0)
    packed = to_device(*of)
    assert packed.images.dtype == torch.uint8
    assert torch.equal(packed.pixels(packed.images[some]), kept.pixels(kept.images[some]))
    (_, first, _), *_ = packed.chunks(some, 5)
    assert first.dtype == torch.float64
