"""Once more, bit by bit: a pack killed between its checkpoints, and one of its lineages trained again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import pytest

from gridsearch.config.events import EpochRecord, LineagePlaced, WorkerEvent
from gridsearch.training.loop.epochs import advance
from gridsearch.training.loop.member import Member
from gridsearch.training.loop.task import LineageTask, WorkerContext
from gridsearch.training.repeating import Neighbour, repeat
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.stacking.formations import placed
from tests.training.conftest import MakePlace, task

RATES = (0.5, 0.1, 0.03, 0.01, 0.003)
#: What is trained as one, and by which strategy.
PACKS: dict[str, dict[str, Any]] = {
    "concatenated": {"hyper": {"neurons": 20}},
    "stacked": {"model": "cnn", "hyper": {"filters": [4], "dropout_flat": 0.2}, "optimizer": "adam", "batch_size": 256},
}


def lineages(strategy: str, **changes: Any) -> list[LineageTask]:
    wide = PACKS[strategy]
    made = []
    for index, rate in enumerate(RATES):
        hyper = {"neurons": 10 + 7 * index} if strategy == "concatenated" else wide["hyper"]
        made.append(task(name=f"{index:064x}", learning_rate=rate, **{"epochs": 4, **wide, "hyper": hyper, **changes}))
    return made


def members(tasks: Sequence[LineageTask], context: WorkerContext) -> list[Member]:
    return [Member(one, context) for one in tasks]


def records(events: Sequence[WorkerEvent]) -> dict[tuple[str, int], EpochRecord]:
    return {(e.lineage_id, e.epoch): replace(e, seconds=0.0) for e in events if isinstance(e, EpochRecord)}


@pytest.mark.parametrize("strategy", PACKS)
@pytest.mark.parametrize("told", [1, 7, 13])
def test_a_pack_killed_between_its_checkpoints_goes_on_bitwise(make_place: MakePlace, strategy: str, told: int) -> None:
    whole_place, context = make_place("whole"), make_place("killed")
    whole = records(list(advance(members(lineages(strategy), whole_place), whole_place, STRATEGIES[strategy])))
    events = advance(members(lineages(strategy), context), context, STRATEGIES[strategy])
    before = [next(events) for _ in range(told)]
    events.close()
    behind = members(lineages(strategy), context)
    assert len({member.next_epoch for member in behind}) == 2
    after = list(advance(behind, context, STRATEGIES[strategy]))
    assert records(before) | records(after) == whole


@pytest.mark.parametrize("strategy", PACKS)
def test_a_lineage_is_trained_again_bitwise_beside_stand_ins(make_place: MakePlace, strategy: str) -> None:
    # One stops early, one diverges at once, one has fewer epochs: the strategy is made anew as they leave.
    tasks = lineages(strategy, early_stopping=2, epochs=6)
    ends = {tasks[0].lineage_id: 1e30, tasks[3].lineage_id: 1e-9}
    tasks = [
        replace(one, config=one.config.model_copy(update={"learning_rate": ends.get(one.lineage_id, 0.05)}))
        for one in tasks
    ]
    tasks[2] = replace(tasks[2], config=tasks[2].config.model_copy(update={"epochs": 3, "schedule": "cosine"}))
    context = make_place("first")
    pack = members(tasks, context)
    reports = list(placed(pack, context.device, strategy))
    first = list(advance(pack, context, STRATEGIES[strategy]))
    last = {key: epoch for key, epoch in records(first)}
    assert len(set(last.values())) > 2
    neighbours = [
        Neighbour(one.lineage_id, one.config, report.epoch, last[one.lineage_id])
        for one, report in zip(tasks, reports, strict=True)
    ]
    for one in (tasks[1], tasks[2], tasks[4]):
        again = make_place(f"again-{one.lineage_id[-1]}")
        epochs = list(repeat(Member(one, again), strategy, neighbours, again, last[one.lineage_id]))
        wanted = {key: record for key, record in records(first).items() if key[0] == one.lineage_id}
        assert records(epochs) == wanted


def test_a_formation_says_who_is_in_it_and_from_when_on(make_place: MakePlace) -> None:
    context = make_place()
    first, second, third = lineages("concatenated")[:3]
    list(
        takewhile(
            lambda event: event.epoch < 2, advance(members([first], context), context, STRATEGIES["concatenated"])
        )
    )
    done = replace(second, config=second.config.model_copy(update={"epochs": 1}))
    list(advance(members([done], context), context, STRATEGIES["concatenated"]))
    reports = list(placed(members([first, done, third], context), context.device, "concatenated"))
    assert all(isinstance(report, LineagePlaced) for report in reports)
    assert [(report.lineage_id, report.epoch) for report in reports] == [(first.lineage_id, 3), (third.lineage_id, 0)]
    formation = reports[0].formation
    assert [(one.lineage_id, one.epoch, one.epochs) for one in formation.places] == [
        (first.lineage_id, 3, 4),
        (third.lineage_id, 0, 4),
    ]
    assert formation is reports[1].formation and formation.threads == 1
    assert list(placed(members([done], context), context.device, "alone")) == []
    (alone,) = placed(members([first], context), context.device, "alone")
    assert alone.formation.places == ()
