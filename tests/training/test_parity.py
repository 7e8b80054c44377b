"""A strategy is proved on the members it is to train: what no comparison of modules can see is found by its numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridsearch.config.events import EpochRecord
from gridsearch.models.registry import find_model
from gridsearch.training.loop import pack
from gridsearch.training.loop.member import Member
from gridsearch.training.stacking.autotune import STRATEGIES
from gridsearch.training.stacking.parity import proved
from gridsearch.training.strategies.concatenated import dense_layers
from tests.training.conftest import MakePlace, task
from tests.training.test_pack import assert_close, curves, run

TRICKS = """
import torch
from torch import nn

SCALE = 1.0

class Base(nn.Module):
    def __init__(self, in_features, num_classes, trick=1.0):
        super().__init__()
        self.a, self.b = nn.Linear(in_features, 8), nn.Linear(8, num_classes)

    def forward(self, x):
        return self.b(self.a(x.flatten(1)).relu())

class NoGrad(Base):
    def forward(self, x):
        with torch.no_grad():
            h = self.a(x.flatten(1)).relu()
        return self.b(h)

class Clamps(Base):
    def forward(self, x):
        for p in self.parameters():
            p.data.clamp_(-0.05, 0.05)
        return super().forward(x)

class Global(Base):
    def __init__(self, in_features, num_classes, trick):
        super().__init__(in_features, num_classes)
        global SCALE
        SCALE = trick

    def forward(self, x):
        return super().forward(x).tanh() * SCALE

class OnTheClass(Base):
    def __init__(self, in_features, num_classes, trick):
        super().__init__(in_features, num_classes)
        type(self).scale = trick

    def forward(self, x):
        return super().forward(x).tanh() * self.scale

class Sometimes(Base):
    # Of one setting its constructor leaves a global behind that its forward reads.

    def __init__(self, in_features, num_classes, trick):
        super().__init__(in_features, num_classes)
        global SCALE
        SCALE = 2.0 if trick == 2.0 else 1.0

    def forward(self, x):
        return super().forward(x).tanh() * SCALE

class Replaces(Base):
    def __init__(self, in_features, num_classes, trick=1.0):
        super().__init__(in_features, num_classes)
        self.register_buffer("mean", torch.ones(num_classes))

    def forward(self, x):
        y = super().forward(x).tanh()
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * y.detach().mean(0)
        return y * self.mean
"""


@pytest.fixture
def tricks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tricks.py").write_text(TRICKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def lineages(kind: str, folder: Path, **changes: Any) -> list[Any]:
    name = f"tricks:{kind}"
    code = find_model(name, [folder]).code
    return [
        task(name=f"{index:064x}", model=name, model_code=code, hyper={"trick": 1.0 + index}, epochs=2, **changes)
        for index in range(3)
    ]


@pytest.mark.parametrize("kind", ["NoGrad", "Clamps", "Global", "OnTheClass", "Replaces"])
def test_a_model_that_is_more_than_its_module_gets_its_own_numbers(
    kind: str, tricks: Path, make_place: MakePlace
) -> None:
    tasks = lineages(kind, tricks)
    together = curves(run(tasks, make_place("together")))
    for one in tasks:
        (alone,) = curves(run([one], make_place("alone"))).values()
        assert_close(together[one.lineage_id], alone)


@pytest.mark.parametrize("kind", ["Clamps", "Global", "OnTheClass", "Replaces"])
def test_such_a_model_fails_the_proof_and_an_honest_one_passes(kind: str, tricks: Path, make_place: MakePlace) -> None:
    context = make_place()
    for name, honest in ((kind, False), ("Base", True)):
        members = [Member(one, context) for one in lineages(name, tricks)]
        strategies = ["stacked"] + (["concatenated"] if dense_layers(members[0].module) else [])
        for strategy in strategies:
            assert all(proved(STRATEGIES[strategy], members, context)) is honest, (name, strategy)


def test_the_proof_leaves_members_where_they_were(tricks: Path, make_place: MakePlace) -> None:
    expected = curves(run(lineages("Base", tricks), make_place("a")))
    context = make_place("b")
    run([one for one in lineages("Base", tricks)][:1], context)
    members = [Member(one, context) for one in lineages("Base", tricks)]
    before = [(member.next_epoch, member.steps) for member in members]
    assert all(proved(STRATEGIES["stacked"], members, context))
    assert [(member.next_epoch, member.steps) for member in members] == before
    found = curves(run(lineages("Base", tricks), context))
    for name, records in expected.items():
        assert_close(found[name], records)
    assert all(isinstance(record, EpochRecord) for records in found.values() for record in records)


def test_a_rate_or_a_penalty_out_of_all_measure_fails_the_proof_for_nobody(tricks: Path, make_place: MakePlace) -> None:
    context = make_place()
    for wild in ({"learning_rate": 1e6}, {"weight_decay": 1e6}, {"l1": 1e6}, {"momentum": 0.9999}):
        tasks = lineages("Base", tricks)
        changed = replace(tasks[1], config=tasks[1].config.model_copy(update=wild))
        members = [Member(one, context) for one in (tasks[0], changed, tasks[2])]
        for strategy in ("stacked", "concatenated"):
            assert proved(STRATEGIES[strategy], members, context) == [True] * 3, (wild, strategy)


def test_a_model_that_fails_the_proof_leaves_the_others_together(
    tricks: Path, make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[list[str]] = []
    advance = pack.advance

    def watched(members: Any, context: Any, strategy: Any) -> Any:
        trained.append([member.task.lineage_id for member in members])
        return advance(members, context, strategy)

    monkeypatch.setattr(pack, "advance", watched)
    monkeypatch.setattr(pack, "fastest", lambda seconds, steps: "stacked")
    monkeypatch.setattr(pack, "remembered", lambda *of: {"stacked": 1.0})
    monkeypatch.setattr(pack, "measure", lambda *of: [])
    tasks = lineages("Sometimes", tricks)
    together = curves(run(tasks, make_place("together")))
    ids = [one.lineage_id for one in tasks]
    assert trained == [[ids[0], ids[2]], [ids[1]]]
    for one in tasks:
        (alone,) = curves(run([one], make_place("alone"))).values()
        assert_close(together[one.lineage_id], alone)
