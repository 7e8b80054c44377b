"""A lineage trained on real digits: what it records, how it goes on, and what it never depends on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gridsearch.config.events import EpochRecord, LineageDiverged, LineageFailed, LineageFinished, LineagePlaced
from gridsearch.errors import ModelError
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.pack import train_group
from gridsearch.training.loop.task import LineageTask, StopRequestedError, WorkerContext
from tests.training.conftest import MakePlace, own, task


def numbers(records: list[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, seconds=0.0, attempt=0, lineage_id="") for record in records]


def events(what: LineageTask, context: WorkerContext) -> Iterator[EpochRecord]:
    """Train a lineage by itself; what is not an epoch must be its end, and not a failure."""
    for event in train_group([Member(what, context)], context):
        if isinstance(event, EpochRecord):
            yield event
        elif not isinstance(event, LineagePlaced):
            assert isinstance(event, (LineageFinished, LineageDiverged)), event


def train(make_place: MakePlace, what: LineageTask, folder: str = "checkpoints") -> list[EpochRecord]:
    return list(events(what, make_place(folder)))


def test_an_untrained_model_knows_nothing_and_a_trained_one_much(make_place: MakePlace) -> None:
    records = train(make_place, task(epochs=20, batch_size=16))
    assert [record.epoch for record in records] == list(range(21))
    assert records[0].train_loss == pytest.approx(math.log(10), abs=0.1)
    assert records[0].val_accuracy == pytest.approx(0.1, abs=0.1)
    assert records[-1].val_accuracy > 0.9
    assert records[-1].train_loss < records[1].train_loss < records[0].train_loss
    assert all(record.learning_rate == 0.1 and record.seconds > 0 for record in records)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"optimizer": "adam", "learning_rate": 0.01},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        {"optimizer": "rmsprop", "learning_rate": 0.001},
        {"schedule": "step", "step_size": 2},
    ],
    ids=str,
)
def test_a_short_training_is_the_beginning_of_a_long_one(make_place: MakePlace, recipe: dict[str, object]) -> None:
    long = train(make_place, task(epochs=6, **recipe), "long")
    short = train(make_place, task(epochs=3, **recipe), "short")
    assert numbers(short) == numbers(long[:4])


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adam"}, {"momentum": 0.9}], ids=str)
def test_raising_epochs_goes_on_bitwise(make_place: MakePlace, recipe: dict[str, object]) -> None:
    whole = train(make_place, task(epochs=6, **recipe), "whole")
    train(make_place, task(epochs=2, **recipe), "parts")
    rest = train(make_place, task(epochs=6, recorded=2, attempt=2, **recipe), "parts")
    assert [record.epoch for record in rest] == [3, 4, 5, 6]
    assert {record.attempt for record in rest} == {2}
    assert numbers(rest) == numbers(whole[3:])


def test_epochs_on_disk_that_the_store_never_saw_are_reported_not_trained(make_place: MakePlace) -> None:
    first = train(make_place, task(epochs=4))
    again = train(make_place, task(epochs=4, recorded=1, attempt=2))
    assert numbers(again) == numbers(first[2:])
    assert [record.seconds for record in again] == [record.seconds for record in first[2:]]


def test_a_stop_loses_at_most_the_epoch_it_is_in(make_place: MakePlace) -> None:
    calls = iter(range(1000))
    context = make_place(stop=lambda: next(calls) >= 3)
    seen: list[EpochRecord] = []
    with pytest.raises(StopRequestedError):
        seen.extend(events(task(epochs=6), context))
    whole = train(make_place, task(epochs=6), "whole")
    rest = train(make_place, task(epochs=6, attempt=2))
    assert numbers(rest) == numbers(whole)


def test_the_seed_draws_the_weights_and_the_data_seed_the_order(make_place: MakePlace) -> None:
    base = numbers(train(make_place, task(), "a"))
    assert base == numbers(train(make_place, task(), "b"))
    other_weights = numbers(train(make_place, task(seed=1), "c"))
    other_order = numbers(train(make_place, task(data_seed=1), "d"))
    assert other_weights[0] != base[0]
    assert other_order[0] == base[0]
    assert other_order[1] != base[1]


def test_numbers_do_not_depend_on_what_was_drawn_before(make_place: MakePlace) -> None:
    base = numbers(train(make_place, task(), "a"))
    torch.randn(1000)
    assert numbers(train(make_place, task(), "b")) == base


def test_a_diverging_lineage_ends_with_the_epoch_in_which_it_did(make_place: MakePlace) -> None:
    records = train(make_place, task(learning_rate=1e30, epochs=10))
    assert len(records) < 10
    assert not math.isfinite(records[-1].train_loss + records[-1].val_loss)
    assert all(math.isfinite(record.train_loss) for record in records[:-1])


def test_images_too_large_for_floats_give_the_same_numbers(
    make_place: MakePlace,
    digits_split,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    from gridsearch.training import arrays

    base = numbers(train(make_place, task(), "a"))
    monkeypatch.setattr(arrays, "FLOAT_BYTES_LIMIT", 0)
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 100_000)
    cpu = torch.device("cpu")
    bytes_kept = arrays.to_device(digits_split.train_images, digits_split.train_labels, cpu)
    assert bytes_kept.images.dtype == torch.uint8
    again = events(task(), make_place("b", train=bytes_kept))
    assert [record.val_accuracy for record in again] == [record.val_accuracy for record in base]


def test_a_users_model_with_dropout_and_batch_norm_goes_on_bitwise(make_place: MakePlace, own_models: Path) -> None:
    whole = train(make_place, own("Odd", own_models, epochs=5), "whole")
    train(make_place, own("Odd", own_models, epochs=2), "parts")
    rest = train(make_place, own("Odd", own_models, epochs=5, recorded=2, attempt=2), "parts")
    assert numbers(rest) == numbers(whole[3:])
    assert whole[-1].val_accuracy > 0.5


def test_a_model_whose_output_cannot_be_used_is_named(make_place: MakePlace, own_models: Path) -> None:
    context = make_place()
    _, event = train_group([Member(own("WrongShape", own_models), context)], context)
    assert isinstance(event, LineageFailed)
    assert event.error == "the model gives (2, 3) for 2 images; it must give logits of shape (2, 10)"


def test_a_model_edited_after_planning_is_refused(make_place: MakePlace, own_models: Path) -> None:
    with pytest.raises(ModelError, match="changed since this trial was planned"):
        train(make_place, task(model="odd_models:Odd", model_code="f" * 64, hyper={}))


def test_hooks_of_a_users_model_are_at_work(make_place: MakePlace, own_models: Path) -> None:
    plain = numbers(train(make_place, own("Odd", own_models), "plain"))
    hooked = numbers(train(make_place, own("Hooked", own_models), "hooked"))
    assert hooked[0] == plain[0]
    assert hooked[1:] != plain[1:]


def test_a_model_that_changes_its_input_is_refused_and_harms_no_other(make_place: MakePlace, own_models: Path) -> None:
    context = make_place()
    images = context.train.images.clone()
    _, event = train_group([Member(own("ChangesInput", own_models), context)], context)
    assert isinstance(event, LineageFailed)
    assert event.error.startswith("the model's forward changes its input in place")
    assert (context.train.images == images).all()
