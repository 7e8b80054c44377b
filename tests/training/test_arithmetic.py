"""While a launch trains, a GPU's float32 is float32 and adds up in one order; the caller's own settings come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridsearch.training.loop import epochs
from gridsearch.training.loop.epochs import train_epoch
from gridsearch.training.loop.evaluation import Measured
from gridsearch.training.loop.task import WorkerContext
from gridsearch.training.recipe.arithmetic import EXACT, Arithmetic
from gridsearch.training.strategies.base import Strategy
from tests.oracle.holding import launch
from tests.oracle.recipes import job

ANY = Arithmetic(rounded_convolutions=True, rounded_products=True, any_order=True, tried_out=True)
TWO = "model: shallow\nspace:\n  neurons: [9]\n  learning_rate: [0.1, 0.02]\n"


@pytest.fixture(autouse=True)
def _own_arithmetic() -> Iterator[None]:
    before = Arithmetic.now()
    yield
    before.hold()


def test_a_launch_in_this_process_computes_exactly_and_leaves_what_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def noting(strategy: Strategy, context: WorkerContext, epoch: int) -> list[Measured]:
        seen.append(Arithmetic.now())
        return train_epoch(strategy, context, epoch)

    monkeypatch.setattr(epochs, "train_epoch", noting)
    ANY.hold()
    assert Arithmetic.now() == ANY
    launch(tmp_path, job("exact", TWO))
    assert set(seen) == {EXACT}
    assert Arithmetic.now() == ANY
