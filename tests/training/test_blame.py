"""What no `except Exception` stops costs the trial whose model raises it; what the world asks for ends everything."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsearch.config.events import EpochRecord, LineageFailed, LineageFinished, WorkerEvent
from gridsearch.engine.run.interruption import Interruption
from gridsearch.errors import ModelError, StopNowError, one_line
from gridsearch.models.registry import find_model
from gridsearch.training.loop.blame import charged, charged_events
from gridsearch.training.loop.pack import train_pack
from gridsearch.training.loop.task import Pack
from tests.training.conftest import MakePlace, task

RAISING = """
import signal, sys
import torch
from torch import nn

class Unprintable(Exception):
    def __str__(self):
        sys.exit(3)

ACTS = {
    "exit": lambda: sys.exit(9), "generator": lambda: next(x for x in ()), "closed": lambda: throw(GeneratorExit),
    "interrupt": lambda: throw(KeyboardInterrupt), "base": lambda: throw(BaseException("of its own")),
    "unprintable": lambda: throw(Unprintable()), "sound": lambda: None,
}

def throw(error):
    raise error

class Raising(nn.Module):
    def __init__(self, in_features, num_classes, act, where):
        super().__init__()
        self.act, self.where, self.calls = act, where, 0
        self.layer = nn.Linear(in_features, num_classes)
        if where == "constructor":
            ACTS[act]()

    def forward(self, x):
        if self.where == "forward" and self.training:
            ACTS[self.act]()
        if self.where == "backward" and self.training:
            x = Backward.apply(x, self.act) + 0 * self.layer.weight.sum()
        return self.layer(x.flatten(1))

class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, act):
        ctx.act = act
        return x.clone().requires_grad_()
    @staticmethod
    def backward(ctx, grad):
        ACTS[ctx.act]()
        return grad, None
"""


@pytest.fixture
def _handled() -> Iterator[None]:
    with Interruption():
        yield


@pytest.mark.usefixtures("_handled")
@pytest.mark.parametrize("where", ["constructor", "forward"])
@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("exit", "SystemExit: 9"),
        ("closed", "GeneratorExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("base", "BaseException: of its own"),
        ("generator", "StopIteration"),
        ("unprintable", "Unprintable"),
    ],
)
def test_whatever_a_model_raises_costs_its_own_lineage(
    act: str, said: str, where: str, make_place: MakePlace, tmp_path: Path
) -> None:
    (tmp_path / "raising_nets.py").write_text(RAISING)
    context = make_place(model_search=(tmp_path,))
    code = find_model("raising_nets:Raising", [tmp_path]).code
    acts = ["sound", act, "sound"]
    tasks = [
        task(
            name=f"{index:064x}",
            model="raising_nets:Raising",
            model_code=code,
            epochs=1,
            hyper={"act": one, "where": where},
        )
        for index, one in enumerate(acts)
    ]
    events: list[WorkerEvent] = list(train_pack(Pack((tuple(tasks),)), lambda config: context))
    ends = {e.lineage_id: e for e in events if isinstance(e, (LineageFailed, LineageFinished))}
    assert [type(ends[one.lineage_id]) for one in tasks] == [LineageFinished, LineageFailed, LineageFinished]
    failed = ends[tasks[1].lineage_id]
    assert isinstance(failed, LineageFailed)
    assert said in failed.error
    assert "raising_nets" in failed.traceback
    assert sum(isinstance(event, EpochRecord) and event.epoch == 1 for event in events) == 2


def test_a_second_ctrl_c_and_rays_own_exit_are_nobodys_fault() -> None:
    with Interruption() as stop, pytest.raises(StopNowError):

        @charged
        def struck() -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

        struck()
    assert stop.requested
    ended = SystemExit(1)
    ended.ray_terminate_msg = "The process receives a SIGTERM."  # type: ignore[attr-defined]

    @charged
    def by_ray() -> None:
        raise ended

    with pytest.raises(SystemExit):
        by_ray()
    with pytest.raises(KeyboardInterrupt):  # as Python itself handles Ctrl-C here
        charged(lambda: signal.raise_signal(signal.SIGINT))()


def test_whoever_wants_no_more_events_is_no_model() -> None:
    closed = []

    def work() -> Iterator[int]:
        try:
            yield 1
            raise GeneratorExit
        finally:
            closed.append(True)

    events = charged_events(work())
    assert next(events) == 1
    events.close()  # type: ignore[attr-defined]
    del events
    assert closed
    with pytest.raises(ModelError, match="the model raised GeneratorExit"):
        list(charged_events(work()))


def test_an_exception_that_cannot_be_printed_is_one_line() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise SystemExit(3)

    assert one_line(Unprintable()) == "Unprintable"
