"""Packs on real digits: what happens to one lineage never touches another, and any pack goes on from any other."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gridsearch.config.events import (
    EpochRecord,
    LineageDiverged,
    LineageFailed,
    LineageFinished,
    LineagePlaced,
    StrategyMeasured,
    WorkerEvent,
)
from gridsearch.models.registry import find_model
from gridsearch.training.loop import epochs
from gridsearch.training.loop import pack as packs
from gridsearch.training.loop.epochs import train_epoch
from gridsearch.training.loop.evaluation import Measured
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.pack import train_group, train_pack
from gridsearch.training.loop.task import LineageTask, Pack, WorkerContext
from gridsearch.training.stacking import autotune, parity
from gridsearch.training.strategies.base import Strategy
from gridsearch.training.strategies.compiled import why_not_compiled
from gridsearch.training.strategies.concatenated import Concatenated
from gridsearch.training.strategies.stacked import Stacked
from tests.training.conftest import MakePlace, own, task

RATES = (0.3, 0.1, 0.03, 0.01)


def lineages(*, recorded: int = -1, **changes: Any) -> list[LineageTask]:
    """Four lineages of one stack group: two widths, four learning rates."""
    return [
        task(name=f"{index:064x}", learning_rate=rate, hyper={"neurons": 10 + index % 2}, recorded=recorded, **changes)
        for index, rate in enumerate(RATES)
    ]


def run(
    tasks: Sequence[LineageTask], context: WorkerContext, measured: Sequence[StrategyMeasured] = ()
) -> list[WorkerEvent]:
    return list(train_pack(Pack((tuple(tasks),), tuple(measured)), lambda config: context))


def curves(events: Sequence[WorkerEvent]) -> dict[str, list[EpochRecord]]:
    """Return each lineage's epochs, without what may differ from run to run."""
    found: dict[str, list[EpochRecord]] = {}
    for event in events:
        if isinstance(event, EpochRecord):
            found.setdefault(event.lineage_id, []).append(replace(event, seconds=0.0, attempt=0))
    return found


def ends(events: Sequence[WorkerEvent]) -> dict[str, WorkerEvent]:
    return {e.lineage_id: e for e in events if not isinstance(e, (EpochRecord, StrategyMeasured, LineagePlaced))}


def assert_close(actual: list[EpochRecord], expected: list[EpochRecord]) -> None:
    """The same numbers, to float32's precision over a few epochs."""
    assert [record.epoch for record in actual] == [record.epoch for record in expected]
    for one, other in zip(actual, expected, strict=True):
        assert (one.train_loss, one.val_loss) == pytest.approx((other.train_loss, other.val_loss), rel=1e-3)


@pytest.fixture
def made_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the packs that were really trained as one, in the order in which they were made."""
    sizes: list[int] = []

    class Counted(Concatenated):
        def __init__(self, members: Sequence[Member]) -> None:
            super().__init__(members)
            if next(members[0].module.parameters()).dtype is torch.float32:  # not the proof before it
                sizes.append(len(members))

    monkeypatch.setitem(autotune.STRATEGIES, "concatenated", Counted)
    return sizes


def test_a_pack_trains_its_lineages_as_one_with_the_numbers_they_have_alone(
    make_place: MakePlace, made_sizes: list[int]
) -> None:
    together = run(lineages(epochs=3), make_place("together"))
    assert made_sizes == [4]
    for one in lineages(epochs=3):
        (alone,) = curves(run([one], make_place("alone"))).values()
        assert_close(curves(together)[one.lineage_id], alone)
    assert set(ends(together).values()) == {LineageFinished(one.lineage_id, 1) for one in lineages()}


def test_lineages_that_are_behind_catch_up_and_join(make_place: MakePlace, made_sizes: list[int]) -> None:
    whole = curves(run(lineages(epochs=5), make_place("whole")))
    context = make_place("parts")
    first, second, third, fourth = lineages(epochs=5)
    run([replace(first, config=first.config.model_copy(update={"epochs": 2}))], context)
    run([replace(one, config=one.config.model_copy(update={"epochs": 3})) for one in (second, third)], context)
    made_sizes.clear()
    rest = run([first, second, third, fourth], context)
    # Those an epoch ahead stand beside those behind, so that the strategy has the shape it would have had.
    assert made_sizes == [1, 4, 4]
    for name, expected in whole.items():
        assert_close(curves(rest)[name], expected)


def test_lineages_leave_at_their_own_ends(make_place: MakePlace, made_sizes: list[int]) -> None:
    wanted = [1, 3, 3, 4]
    tasks = [
        replace(one, config=one.config.model_copy(update={"epochs": epochs}))
        for one, epochs in zip(lineages(), wanted, strict=True)
    ]
    events = run(tasks, make_place())
    assert made_sizes == [4, 3, 1]
    assert [len(curve) - 1 for curve in curves(events).values()] == wanted
    assert all(isinstance(end, LineageFinished) for end in ends(events).values())


def test_any_part_of_a_pack_goes_on_in_another_pack(make_place: MakePlace) -> None:
    whole = curves(run(lineages(epochs=4), make_place("whole")))
    context = make_place("parts")
    run(lineages(epochs=2), context)
    newcomer = task(name="f" * 64, epochs=4, learning_rate=0.2, hyper={"neurons": 30})
    rest = curves(run([lineages(epochs=4, recorded=2, attempt=2)[2], newcomer], context))
    assert_close(rest[f"{2:064x}"], whole[f"{2:064x}"][3:])
    (alone,) = curves(run([newcomer], make_place("alone"))).values()
    assert_close(rest["f" * 64], alone)


def test_a_diverged_lineage_leaves_and_the_others_do_not_notice(make_place: MakePlace) -> None:
    bad = task(name="b" * 64, learning_rate=1e30, epochs=4)
    events = run([*lineages(epochs=4), bad], make_place("with"))
    assert isinstance(ends(events)["b" * 64], LineageDiverged)
    for name, expected in curves(run(lineages(epochs=4), make_place("without"))).items():
        assert_close(curves(events)[name], expected)


def test_kinds_that_cannot_be_one_are_trained_one_after_another(make_place: MakePlace, own_models: Path) -> None:
    tasks = [
        *lineages(epochs=2),
        task(name="a" * 64, epochs=2, batch_size=32),
        task(name="b" * 64, epochs=2, optimizer="adam"),
        own("Raises", own_models, name="c" * 64, epochs=2),
        own("Odd", own_models, name="d" * 64, epochs=2),
        task(name="e" * 64, epochs=2, model="shallow", hyper={"neurons": -1}),
    ]
    found = ends(run(tasks, make_place()))
    failed = {name[0]: event for name, event in found.items() if isinstance(event, LineageFailed)}
    assert set(failed) == {"c", "e"}
    assert failed["c"].error.startswith("RuntimeError: the model is unwell (odd_models.py:")
    assert "in forward" in failed["c"].traceback
    assert "neurons=-1" in failed["e"].error
    assert sum(isinstance(event, LineageFinished) for event in found.values()) == 7


def test_a_stop_ends_the_pack_without_a_verdict(make_place: MakePlace) -> None:
    context = make_place(stop=lambda: True)
    assert run(lineages(), context) == []


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Training that raises in epoch 2 when a given learning rate is among the strategy's."""
    what: dict[str, Any] = {"rate": RATES[1], "error": RuntimeError("this one breaks"), "sizes": []}

    def broken(strategy: Strategy, context: WorkerContext, epoch: int) -> list[Measured]:
        what["sizes"] += [strategy.size]
        if epoch == 2 and what["condition"](strategy):
            raise what["error"]
        return train_epoch(strategy, context, epoch)

    what["condition"] = lambda strategy: what["rate"] in strategy.rates
    monkeypatch.setattr(epochs, "train_epoch", broken)
    yield what


def test_the_one_to_blame_is_found_by_halving(make_place: MakePlace, breaking: dict[str, Any]) -> None:
    events = run(lineages(epochs=3), make_place())
    found = ends(events)
    failed = [name for name, event in found.items() if isinstance(event, LineageFailed)]
    assert failed == [f"{1:064x}"]
    breaking["rate"] = None
    for name, expected in curves(run(lineages(epochs=3), make_place("whole"))).items():
        if name not in failed:
            assert_close(curves(events)[name], expected)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_pack_the_memory_does_not_hold_is_halved_and_that_is_remembered(
    make_place: MakePlace, breaking: dict[str, Any], error: Exception
) -> None:
    breaking |= {"error": error, "condition": lambda strategy: strategy.size > 2}
    events = run(lineages(epochs=3), make_place())
    assert all(isinstance(end, LineageFinished) for end in ends(events).values())
    (measured,) = [event for event in events if isinstance(event, StrategyMeasured)]
    assert (measured.strategy, measured.models, measured.seconds) == ("concatenated", 4, None)
    breaking["sizes"].clear()
    assert len(ends(run(lineages(epochs=3), make_place("again"), [measured]))) == 4
    assert set(breaking["sizes"]) == {2}


def test_a_form_the_memory_does_not_hold_is_gone_before_its_halves_are_tried(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[Strategy]] = []

    def full(strategy: Strategy, context: WorkerContext, epoch: int) -> list[Measured]:
        assert not [other for other in alive if other() not in (None, strategy)]
        alive.append(weakref.ref(strategy))
        if strategy.size > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_epoch(strategy, context, epoch)

    monkeypatch.setattr(epochs, "train_epoch", full)
    assert all(isinstance(end, LineageFinished) for end in ends(run(lineages(epochs=1), make_place())).values())
    assert len(alive) == 1 + 2 + 4


def test_a_proof_the_memory_does_not_hold_is_made_of_halves(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, made_sizes: list[int]
) -> None:
    together = parity._together

    def full(made: type[Strategy], members: Sequence[Member], *others: Any) -> Any:
        if len(members) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return together(made, members, *others)

    monkeypatch.setattr(parity, "_together", full)
    events = run(lineages(epochs=1), make_place())
    assert all(isinstance(end, LineageFinished) for end in ends(events).values())
    (measured,) = [event for event in events if isinstance(event, StrategyMeasured)]
    assert (measured.strategy, measured.models, measured.seconds) == ("concatenated", 4, None)
    assert set(made_sizes) == {2}


def test_what_was_measured_is_told_once_and_then_known(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, made_sizes: list[int]
) -> None:
    monkeypatch.setattr(packs, "STEPS_WORTH_A_PROBE", 1)
    events = run(lineages(epochs=2), make_place())
    measured = [event for event in events if isinstance(event, StrategyMeasured)]
    assert {one.strategy for one in measured} == {"alone", "concatenated"}
    assert all(one.models == 4 and one.seconds and one.seconds > 0 for one in measured)
    again = run(lineages(epochs=2), make_place("again"), measured)
    assert not [event for event in again if isinstance(event, StrategyMeasured)]
    slow = [replace(one, seconds=1.0 if one.strategy == "alone" else 2.0) for one in measured]
    made_sizes.clear()
    assert len(ends(run(lineages(epochs=2), make_place("slow"), slow))) == 4
    assert made_sizes == []


def test_what_a_strategy_is_refused_for_is_trained_by_the_next_best(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unrecorded(Stacked):
        instead = "stacked"

        def gradients(self, *of: Any) -> Any:
            raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setitem(autotune.STRATEGIES, "graphed", Unrecorded)
    monkeypatch.setattr(packs, "unmeasured", lambda *, dense: "graphed")
    tasks = [replace(one, config=one.config.model_copy(update={"hyper": {"neurons": 10}})) for one in lineages()]
    events = run(tasks, make_place())
    assert {event.formation.strategy for event in events if isinstance(event, LineagePlaced)} == {"stacked"}
    assert set(ends(events)) == {one.lineage_id for one in tasks}


def test_the_fastest_form_is_taken_only_where_it_is_clearly_faster() -> None:
    assert autotune.fastest({"alone": 1.0, "stacked": 0.99}, 10) == "alone"
    assert autotune.fastest({"alone": 1.0, "stacked": 0.5, "concatenated": 0.1}, 10) == "concatenated"
    assert autotune.fastest({"alone": 1.0, "concatenated": None}, 10) is None
    assert autotune.fastest({"alone": 1.0, "stacked": 0.9, "compiled": 0.1}, 10) == "stacked"
    assert autotune.fastest({"alone": 1.0, "stacked": 0.9, "compiled": 0.1}, 1000) == "compiled"


@pytest.mark.slow
def test_compiled_code_is_taken_for_a_long_training_and_keeps_its_numbers(
    make_place: MakePlace, own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not why_not_compiled(torch.device("cpu"))
    code = find_model("odd_models:Odd", [own_models]).code
    tasks = [
        task(
            name=f"{index:064x}",
            model="odd_models:Odd",
            model_code=code,
            hyper={"dropout": 0.1 * index},
            learning_rate=rate,
            epochs=2 + index,
        )
        for index, rate in enumerate(RATES[:3])
    ]
    measured = [
        StrategyMeasured(
            *autotune._names([Member(one, make_place()) for one in tasks], make_place()), strategy, 3, 64, seconds
        )
        for strategy, seconds in {"alone": 1e3, "stacked": 1e3, "compiled": 1.0}.items()
    ]
    compiled = run(tasks, make_place("compiled"), measured)
    assert len([end for end in ends(compiled).values() if isinstance(end, LineageFinished)]) == 3
    alone = run(tasks, make_place("alone"), [replace(one, seconds=0.1) for one in measured if one.strategy == "alone"])
    for name, expected in curves(alone).items():
        assert_close(curves(compiled)[name], expected)


def test_events_of_a_group_come_in_the_order_of_epochs(make_place: MakePlace) -> None:
    context = make_place()
    members = [Member(one, context) for one in lineages(epochs=2)]
    epochs = [event.epoch for event in train_group(members, context) if isinstance(event, EpochRecord)]
    assert epochs == [0] * 4 + [1] * 4 + [2] * 4
